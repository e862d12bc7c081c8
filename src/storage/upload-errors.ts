import { storageError } from './errors.ts';

export const uploadUnknown = (id: string): Error =>
  storageError('STORAGE_UPLOAD_UNKNOWN', 'no such upload: it is finished, expired or never began', {
    hint: 'Begin a new upload.',
    details: { upload: id.slice(0, 100) },
  });

export const uploadBusy = (id: string): Error =>
  storageError('STORAGE_UPLOAD_BUSY', 'another request is writing to this upload', {
    hint: 'Wait for it to end, or for its connection to be given up.',
    details: { upload: id },
  });

export const uploadOffset = (size: number, from: number): Error =>
  storageError('STORAGE_UPLOAD_OFFSET', `the next byte is ${size}, not ${from}`, { details: { size } });

export const uploadTooLarge = (limit: number): Error =>
  storageError('STORAGE_UPLOAD_TOO_LARGE', `a blob may have at most ${limit} bytes here`, { details: { limit } });

/** Errors after which going on makes no sense: the bytes are wrong, or there is no room for them. */
const FINAL = new Set(['OCI_DIGEST_MISMATCH', 'STORAGE_UPLOAD_TOO_LARGE', 'DISK_FULL', 'ENOSPC', 'EDQUOT']);

export const endsUpload = (error: unknown): boolean => FINAL.has((error as { code?: string } | undefined)?.code ?? '');
