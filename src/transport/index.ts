export type { ImageToSave, SaveImageOptions } from './image-to-save.ts';
export { imageNamed, type ListedImage, listImages } from './layout.ts';
export { type OpenedImage, type OpenImageOptions, openFromRegistry, openImage } from './open.ts';
export { type OpenedIndex, openIndex } from './open-index.ts';
export { checkSavable, saveArtifact, saveImage } from './save.ts';
export { type IndexToSave, saveIndex } from './save-index.ts';
