/** Says that a folder was made by the demo: `--fresh` deletes no other one. */
export const DEMO_MARKER = '.heraklit-demo';
