// The key of this browser: kept here and sent to this server alone.

const PLACE = "clearcut.key";
const FORM = /^hc_[A-Za-z0-9]{32}$/;

/** @param {string} text */
export const isKey = (text) => FORM.test(text);

/** @returns {string | null} */
export function keptKey() {
  const key = localStorage.getItem(PLACE);
  return key && isKey(key) ? key : null;
}

/** @param {string} key */
export const keepKey = (key) => localStorage.setItem(PLACE, key);

export const forgetKey = () => localStorage.removeItem(PLACE);

/** Takes the one-time link's token out of the address, so that no bookmark and no history keeps it. */
export function takeLinkToken() {
  const token = location.hash.match(/^#sign-in=([A-Za-z0-9]+)$/)?.[1];
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}
