import { describe, expect, it } from "vitest";
import { Unacknowledged } from "../../satellite/doors/unacknowledged.ts";

describe("unacknowledged bytes", () => {
  it("[T-5] are there from the first byte to its ack", () => {
    const books = new Unacknowledged();
    books.begin(1, 7);
    expect(books.isEmpty()).toBe(true);
    books.moved(7, 10);
    expect(books.isEmpty()).toBe(false);
    books.acked(7, 9, undefined);
    expect(books.isEmpty()).toBe(false);
    books.acked(7, 10, undefined);
    expect(books.isEmpty()).toBe(true);
    books.moved(7, 11);
    expect(books.isEmpty()).toBe(false);
  });

  it("[T-5] do not grow by what is repeated, and an ack does not go back", () => {
    const books = new Unacknowledged();
    books.begin(1, 7);
    books.moved(7, 10);
    books.acked(7, 10, undefined);
    books.moved(7, 5);
    books.acked(7, 5, undefined);
    expect(books.isEmpty()).toBe(true);
  });

  it("[T-5] are settled by the end, whatever was acknowledged before", () => {
    const books = new Unacknowledged();
    books.begin(1, 7);
    books.moved(7, 10);
    books.acked(7, 0, true);
    expect(books.isEmpty()).toBe(true);
  });

  it("[T-5] are settled for all streams of an attachment that is over, and for no other", () => {
    const books = new Unacknowledged();
    books.begin(1, 7);
    books.begin(1, 8);
    books.begin(2, 9);
    for (const stream of [7, 8, 9]) books.moved(stream, 1);
    books.over(1);
    expect(books.isEmpty()).toBe(false);
    books.over(2);
    expect(books.isEmpty()).toBe(true);
  });

  it("are not counted for a stream that never began", () => {
    const books = new Unacknowledged();
    books.moved(7, 10);
    books.acked(8, 10, true);
    books.over(3);
    expect(books.isEmpty()).toBe(true);
  });
});
