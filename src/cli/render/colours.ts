import picocolors from 'picocolors';

export type Colours = ReturnType<typeof picocolors.createColors>;

/** Real colours or none; the caller knows whether stdout is a terminal and NO_COLOR is unset. */
export function coloursFor(colour: boolean): Colours {
  return picocolors.createColors(colour);
}
