/** The release of this program: all packages have one version. */
export const sallyportVersion = '0.1.0';
