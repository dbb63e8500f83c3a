/** Folders in which other programs may write while a piece of work lasts. They survive a restart. */
export interface ScratchFolders {
  /** Absolute path of the folder of that name, made when it is missing. Names are plain: letters, digits, `.`, `-`, `_`. */
  open(name: string): Promise<string>;
  /** Removes the folder and all in it; no effect when there is none. */
  remove(name: string): Promise<void>;
}
