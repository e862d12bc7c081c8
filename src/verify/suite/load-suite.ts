import { resolve } from 'node:path';
import { type ComposeFile, loadCompose, loadTests, type TestSuite, type VerifyChecks } from '../../recipe/index.ts';
import { verifyError } from '../errors.ts';
import { planOfCompose } from './compose.ts';
import { type PlanInputs, planOf, type TestPlan } from './plan.ts';

/** Tests of one image, with every file they name read. */
export interface LoadedSuite {
  readonly suite: TestSuite;
  readonly compose: ComposeFile | undefined;
  /** Where commands run, and host folders are relative to. */
  readonly folder: string;
  readonly allow: readonly ('run' | 'mounts')[];
}

const STARTS = ['services', 'candidate', 'steps', 'compose', 'limits'] as const;

/** Whether there is more than the start-up test and its old settings. */
export const hasTests = (suite: TestSuite): boolean => STARTS.some((key) => suite[key] !== undefined);

/**
 * @param folder that paths of the checks are relative to
 * @throws RECIPE_INVALID, RECIPE_UNREADABLE, VERIFY_TESTS_INVALID
 */
export async function loadSuite(checks: VerifyChecks, folder: string): Promise<LoadedSuite> {
  const { tests, allow = [], kubernetes: _, ...own } = checks;
  const loaded = tests === undefined ? undefined : await loadTests(resolve(folder, tests));
  // What stands in the fleet file is above what its file of tests says.
  const suite: TestSuite = { ...loaded?.document, ...own };
  const beside = loaded !== undefined && own.compose === undefined ? loaded.directory : folder;
  const compose =
    suite.compose === undefined ? undefined : (await loadCompose(resolve(beside, suite.compose))).document;
  const runs = suite.steps?.findIndex(({ run }) => run !== undefined) ?? -1;
  if (runs >= 0 && !allow.includes('run')) {
    throw verifyError('VERIFY_TESTS_INVALID', `steps[${runs}] runs a command on this host, which is not allowed`, {
      hint: 'Allow it in the fleet file, `verify: { allow: [run] }`, or by --allow run.',
    });
  }
  return { suite, compose, folder: beside, allow };
}

/** @throws VERIFY_TESTS_INVALID */
export function planSuite(loaded: LoadedSuite, inputs: Omit<PlanInputs, 'hostFolder'>): TestPlan {
  const hostFolder = (path: string): string => {
    if (loaded.allow.includes('mounts') && !path.startsWith('~')) return resolve(loaded.folder, path);
    throw verifyError('VERIFY_TESTS_INVALID', `a test mounts the folder ${path} of this host, which is not allowed`, {
      hint: 'Allow it in the fleet file, `verify: { allow: [mounts] }`, or by --allow mounts; or use a named volume.',
    });
  };
  const all = { ...inputs, hostFolder };
  return loaded.compose === undefined ? planOf(loaded.suite, all) : planOfCompose(loaded.compose, loaded.suite, all);
}

/** Every image that tests name, once. */
export function imagesOf({ suite, compose }: LoadedSuite): readonly string[] {
  const services = Object.values(suite.services ?? {}).map(({ image }) => image);
  const composed = Object.values(compose?.services ?? {}).map(({ image }) => image);
  const tests = (suite.steps ?? []).map(({ test }) => test?.image);
  return [...new Set([...services, ...composed, ...tests].filter((image) => image !== undefined))];
}
