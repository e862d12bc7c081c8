/** Loaded before a test file: its random tests draw from HERAKLIT_TEST_SEED, a number, so that a run can be repeated. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.HERAKLIT_TEST_SEED) });
