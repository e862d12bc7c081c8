export interface VerificationTable {
  readonly id: string;
  readonly image: string;
  readonly digest: string;
  /** `passed`, `failed`, `environment` */
  readonly outcome: string;
  readonly reason: string | null;
  readonly mode: string;
  readonly finished: Date;
  readonly milliseconds: number;
  /** JSON text: VerifyStep[] */
  readonly steps: string;
  /** JSON text: PartLog[] */
  readonly logs: string;
}

export interface VerificationsSchema {
  readonly verification: VerificationTable;
}
