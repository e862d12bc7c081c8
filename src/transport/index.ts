export type { ImageToSave, SaveImageOptions } from './image-to-save.ts';
export { imageNamed, type ListedImage, listImages } from './layout.ts';
export { type OpenedImage, type OpenImageOptions, openFromRegistry, openImage } from './open.ts';
export { checkSavable, saveArtifact, saveImage } from './save.ts';
