import type { SiteUsage } from './report.ts';
import type { UsageCell, UsageItem, UsageRow } from './item.ts';
import { usageItem } from './registry.ts';

/**
 * The items of a collection as they may leave: cells of identifying columns replaced by their keyed hash. Items and columns
 * that the registry of this release does not know are left out, because nobody here can say whether they hold a name.
 *
 * @param mac HMAC-SHA-256 of the text with the hierarchy's own key, base64url without padding: 43 characters
 */
export function hashIdentifying(
  items: SiteUsage['items'],
  mac: (text: string) => string,
): SiteUsage['items'] {
  const hashed: [string, readonly UsageRow[]][] = [];
  for (const [id, rows] of Object.entries(items)) {
    const item = usageItem(id);
    if (item !== undefined) hashed.push([id, rows.map((row) => hashedRow(item, row, mac))]);
  }
  return Object.fromEntries(hashed);
}

function hashedRow({ columns }: UsageItem, row: UsageRow, mac: (text: string) => string): UsageRow {
  const cells: Record<string, UsageCell> = {};
  for (const { name, identifies } of columns) {
    const cell = Object.hasOwn(row, name) ? row[name] : undefined;
    if (cell !== undefined) cells[name] = identifies === true ? mac(String(cell)) : cell;
  }
  return cells;
}

/**
 * The hash by which the older product names things, for whoever compares data of both: SHA-256 of a GUID's 16 bytes in
 * .NET order, or else of the text in UTF-16LE. It has no key: anybody can try names until one fits, so nothing of ours
 * leaves under it. (Reference: service connection point, section 3, "Hash".)
 *
 * @param sha256 SHA-256 of the bytes, in standard Base64
 */
export function compatibleHash(text: string, sha256: (bytes: Uint8Array) => string): string {
  return sha256(guidBytes(text) ?? utf16Bytes(text));
}

/** Forms N, D, B and P of .NET, white space around them ignored. */
const plainForms: readonly RegExp[] = [
  /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i,
  /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i,
  /^\{([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\}$/i,
  /^\(([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\)$/i,
];

const byteField = '0x([0-9a-f]{1,2})';
/** Form X: `{0x00112233,0x4455,0x6677,{0x88,…}}`. Leading zeros may be missing. */
const hexForm = new RegExp(
  `^\\{0x([0-9a-f]{1,8}),0x([0-9a-f]{1,4}),0x([0-9a-f]{1,4}),\\{${Array.from({ length: 8 }, () => byteField).join(',')}\\}\\}$`,
  'i',
);

/** A GUID's bytes in .NET order: the first three groups with their lowest byte first. Undefined for other text. */
function guidBytes(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  for (const form of plainForms) {
    const groups = form.exec(trimmed);
    if (groups !== null) return inNetOrder(groups.slice(1).join(''));
  }
  const fields = hexForm.exec(trimmed.replaceAll(/\s/g, ''))?.slice(1);
  return (
    fields && inNetOrder(fields.map((field, index) => field.padStart(hexWidths[index] ?? 2, '0')).join(''))
  );
}

/** Digits of the first fields of form X; the others have two. */
const hexWidths: readonly number[] = [8, 4, 4];

/** Places of a GUID's written bytes in .NET's order. */
const netOrder: readonly number[] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

function inNetOrder(hex: string): Uint8Array {
  return Uint8Array.from(netOrder, (place) => Number.parseInt(hex.slice(2 * place, 2 * place + 2), 16));
}

function utf16Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    bytes[2 * index] = unit & 0xff;
    bytes[2 * index + 1] = unit >> 8;
  }
  return bytes;
}
