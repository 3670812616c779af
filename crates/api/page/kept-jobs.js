// What the page keeps in mind of the jobs that were submitted here: the server does not say it.

/**
 * `source` is what was cut, the same for all attempts at it; `options` and the other settings are those of the
 * submit; `picture` is a small one of the source, as a data URL.
 * @typedef {object} KeptJob
 * @property {string} source
 * @property {any} [options]
 * @property {string | null} [keyColor]
 * @property {import("./clip.js").Hint[]} [hints]
 * @property {string} [picture]
 */

const STORAGE_KEY = "clearcut.jobs";
/** So many jobs are kept in mind. */
const MAX_KEPT = 200;

/** @returns {[string, KeptJob][]} the oldest first */
function keptJobs() {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {[string, KeptJob][]} jobs */
function keep(jobs) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(jobs));
  } catch {
    // The storage is full of pictures. The settings are worth more.
    const plain = jobs.map(([id, { picture: _, ...job }]) => [id, job]);
    localStorage.setItem(STORAGE_KEY, JSON.stringify(plain));
  }
}

/** Keeps a job in mind for later visits. @param {string} jobId @param {KeptJob} job */
export function keepJob(jobId, job) {
  const others = keptJobs().filter(([id]) => id !== jobId);
  keep([...others.slice(1 - MAX_KEPT), [jobId, job]]);
}

/** What is kept of a job; null if it was not submitted here. @param {string} jobId @returns {KeptJob | null} */
export const keptJob = (jobId) => keptJobs().find(([id]) => id === jobId)?.[1] ?? null;

/** Forgets the pictures, which show what was cut: somebody else may sign in next. */
export const forgetPictures = () => keep(keptJobs().map(([id, { picture: _, ...job }]) => [id, job]));
