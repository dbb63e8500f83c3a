export { ContentError, type ContentErrorCode, isTransient, isWrongBytes } from '@sallyport/core/domain/content/content-error';
