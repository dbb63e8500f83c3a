export * from './documents.ts';
export { checkDigest, checkFile, checkLength, digestsToCheck } from './file-check.ts';
export * from './key.ts';
export { defaultTrustLimits, type TrustLimits } from './limits.ts';
export { encodedRole, metadataName, targetRepositoryPath } from './metadata-name.ts';
export { referenceTime } from './reference-time.ts';
export { type SearchStep, searchTarget } from './target-search.ts';
export { TrustError, type TrustErrorCode } from './trust-error.ts';
export { TrustedSet, type TrustTime, type TrustTools } from './trusted-set.ts';
