export { transportError, transportErrors } from './errors.ts';
export { type ListedImage, listImages } from './layout.ts';
export { type OpenedImage, type OpenImageOptions, openImage } from './open.ts';
export { type ImageToSave, type SaveImageOptions, saveImage } from './save.ts';
