import process from 'node:process';

/** Where a site's data are when the command line does not say. */
export const defaultDataFolder = process.env['SALLYPORT_DATA'] || '/var/lib/sallyport/site';
