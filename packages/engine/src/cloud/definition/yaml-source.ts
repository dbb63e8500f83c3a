import { type Document, isNode, LineCounter, type Node, parseDocument } from 'yaml';
import type { Problem } from './problem.ts';

/** Larger files are no definitions. */
const definitionMaxBytes = 1024 * 1024;

export type YamlPath = readonly (number | string)[];

/** One YAML file while it is being read: its nodes, their places, and what was found wrong so far. */
export class YamlSource {
  readonly file: string;
  readonly #problems: Problem[] = [];
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed | undefined;

  /** Never throws for what the bytes hold: that becomes problems. */
  constructor(file: string, bytes: Uint8Array) {
    this.file = file;
    this.#document = this.#parse(bytes);
  }

  /** The top of the file; undefined when it is no YAML. */
  get root(): Node | undefined {
    return this.#document?.contents ?? undefined;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Reports something at a node, or at the top of the file. */
  report(node: Node | undefined, message: string, remedy: string): void {
    this.#problems.push({ file: this.file, ...this.#placeOf(node?.range?.[0] ?? 0), message, remedy });
  }

  /** Reports something at a path, or at what there is of it. */
  reportAt(path: YamlPath, message: string, remedy: string): void {
    this.report(this.#nodeAt(path), message, remedy);
  }

  #parse(bytes: Uint8Array): Document.Parsed | undefined {
    if (bytes.length > definitionMaxBytes) {
      this.report(
        undefined,
        `the file is larger than ${definitionMaxBytes} bytes`,
        'name the payload by its path, it does not belong into the definition',
      );
      return undefined;
    }
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      this.report(undefined, 'the file is not valid UTF-8', 'save it as UTF-8');
      return undefined;
    }
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      version: '1.2',
      schema: 'core',
      prettyErrors: false,
    });
    for (const fault of [...document.errors, ...document.warnings]) {
      const place = this.#placeOf(fault.pos[0]);
      this.#problems.push({
        file: this.file,
        ...place,
        message: `this is no YAML that can be read here: ${fault.message}`,
        remedy: remedyFor(fault.code),
      });
    }
    return document.errors.length === 0 ? document : undefined;
  }

  #nodeAt(path: YamlPath): Node | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const node = this.#document?.getIn(path.slice(0, length), true);
      if (isNode(node)) {
        return node;
      }
    }
    return this.root;
  }

  #placeOf(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function remedyFor(code: string): string {
  return code === 'DUPLICATE_KEY' ? 'leave one of the two out' : 'check indentation and quotes there';
}
