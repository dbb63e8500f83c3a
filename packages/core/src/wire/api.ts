/** The local API of a site server: what can be asked, and what is answered. Commands, API and console share these. */
export * from './api/inputs.ts';
export * from './api/packages.ts';
export * from './api/status.ts';
export * from './api/site-inputs.ts';
export * from './api/usage.ts';
export * from './api/media.ts';
