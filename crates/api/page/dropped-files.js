// The files of a drop, with those in the folders of it.

/** The files of a drop. The drop itself ends with the event, so this is called while it is handled. @param {DataTransfer} transfer */
export async function droppedFiles(transfer) {
  const dropped = [...transfer.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const files = dropped.map(async ({ entry, file }) => {
    if (entry?.isDirectory) return within(/** @type {FileSystemDirectoryEntry} */ (entry));
    return file ? [file] : [];
  });
  return (await Promise.all(files)).flat();
}

/** The images, clips and ZIPs in a folder, under their paths. @param {FileSystemDirectoryEntry} folder @returns {Promise<File[]>} */
async function within(folder) {
  const reader = folder.createReader();
  const files = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const entries = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (entries.length === 0) return files;
    for (const entry of entries.toSorted((one, other) => one.name.localeCompare(other.name))) {
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory) files.push(...(await within(/** @type {FileSystemDirectoryEntry} */ (entry))));
      else {
        /** @type {File} */
        const file = await new Promise((done, fail) => /** @type {FileSystemFileEntry} */ (entry).file(done, fail));
        // What else lies in a folder was not meant.
        if (/^(image|video)\/|zip/.test(file.type) || /\.(hei[cf]|avif|mkv|mts)$/i.test(file.name))
          files.push(new File([file], entry.fullPath.replace(/^\//, ""), { type: file.type }));
      }
    }
  }
}
