/**
 * What a server must send within each window of waiting, unless it ends: far less than any line that is of use. One that
 * sends a byte now and then is never silent, and could keep whoever waits for it for years (slow retrieval, in the terms
 * of TUF).
 */
export const windowMinBytes = 1024;
