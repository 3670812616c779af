// The API key in the local storage of the browser. It is sent to this server alone.

const STORAGE_KEY = "clearcut.key";
const FORM = /^hc_[A-Za-z0-9]{32}$/;

/** @param {string} text */
export const isKey = (text) => FORM.test(text);

/** @returns {string | null} */
export function storedKey() {
  const key = localStorage.getItem(STORAGE_KEY);
  return key && isKey(key) ? key : null;
}

/** @param {string} key */
export const storeKey = (key) => localStorage.setItem(STORAGE_KEY, key);

export const forgetKey = () => localStorage.removeItem(STORAGE_KEY);

/** Removes the token of a one-time link from the address, so that no bookmark and no history has it. */
export function takeLinkToken() {
  const token = location.hash.match(/^#sign-in=([A-Za-z0-9]+)$/)?.[1];
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}
