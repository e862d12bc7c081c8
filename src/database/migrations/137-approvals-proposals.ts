import type { Migration } from './migration.ts';

export const approvalsProposals137: Migration = {
  name: '137-approvals-proposals',
  statements: [
    // What somebody has to agree to elsewhere before a slot changes: a pull request.
    'alter table rollout add column proposed text',
    // As which of rollout.approvers an account approved: its own name, group:NAME, role:NAME; null for whoever owns the home.
    'alter table rollout_approval add column approver text',
  ],
};
