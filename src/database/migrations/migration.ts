/**
 * One step of the schema, forward only. Statements run in order in one transaction together with the record that
 * they ran. Landed migrations are never edited: write the next one.
 */
export interface Migration {
  /** `NNN-name`, the name of the file; unique and ascending. */
  readonly name: string;
  /** One SQL statement each, valid on PGlite and PostgreSQL 15 and later. */
  readonly statements: readonly string[];
}
