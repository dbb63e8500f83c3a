/** A component's log: CMTrace file and structured line at once. Constant message, values in `fields` or as `{name}` in the text. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** `{name}` in the message is replaced by the field of that name. */
export type LogFields = Readonly<Record<string, unknown>>;
