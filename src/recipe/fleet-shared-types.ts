/** What several settings of a fleet take. */

export interface FleetGitSource {
  readonly url: string;
  readonly ref?: string;
  readonly path?: string;
  readonly submodules?: boolean | readonly string[];
  readonly credentials?: {
    readonly username?: string;
    readonly passwordFile?: string;
    readonly passwordEnv?: string;
    readonly helper?: string;
    readonly sshKeyFile?: string;
    readonly knownHostsFile?: string;
  };
  readonly caFile?: string;
  readonly insecure?: boolean;
}

/** Days that an unapplied update of each severity may be old for a grade. */
export interface FleetGrades {
  readonly B?: FleetGradeAges;
  readonly C?: FleetGradeAges;
  readonly D?: FleetGradeAges;
}

export interface FleetGradeAges {
  readonly critical?: number;
  readonly important?: number;
}
