// Entered on its own by a scan: it asks the cache, and starts a thread, before what understands packages is loaded.
export { directoryLayerCache } from '../layer-cache.ts';
