/** The version of Sallyport that this is: all packages have the same one. */
export const sallyportVersion = '0.1.0';
