/** What a token allows. Here because both the keys, which find it out, and the law, which asks, import only wire. */
export interface Rights {
  mayRead(pipe: string): boolean;
  mayWrite(pipe: string): boolean;
  /** list, remove, inspect */
  readonly mayManage: boolean;
}
