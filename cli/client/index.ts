/** The library is not written yet. */
export const placeholder = true;
