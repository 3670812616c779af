// Ids that nothing else has, also where a page is not secure and the browser makes no UUID.

/** 128 random bits, as hexadecimal digits. */
export const randomId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
