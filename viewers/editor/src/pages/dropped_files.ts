/** Files and whole folders that were dropped on the page or chosen, each with its path. */

export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

const HIDDEN = /(^|\/)(\.|__MACOSX)/;

/** What a drop holds; folders are walked through. Takes everything before the event ends, after which it would be gone. */
export function droppedFiles(items: DataTransferItemList): Promise<DroppedFile[]> {
  const parts = [...items].map((item) => {
    const entry = item.webkitGetAsEntry(), file = item.getAsFile();
    return entry ? walk(entry) : Promise.resolve(file ? [{ path: file.name, file }] : []);
  });
  return Promise.all(parts).then((found) => found.flat().filter(({ path }) => !HIDDEN.test(path)));
}

export function chosenFiles(files: FileList): DroppedFile[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })).filter(({ path }) => !HIDDEN.test(path));
}

async function walk(entry: FileSystemEntry): Promise<DroppedFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader(), found: DroppedFile[] = [];
  for (;;) { // a reader gives a hundred entries at a time
    const entries = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (!entries.length) return found;
    found.push(...(await Promise.all(entries.map(walk))).flat());
  }
}
