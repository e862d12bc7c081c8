export { type CommitState, type CommitStatus, postStatus } from './commit-status.ts';
export { type Delivery, readDelivery, type WebhookEvent } from './delivery.ts';
export { forgeError } from './errors.ts';
export { listPullRequests, openPullRequest, type PullRequest, updatePullRequest } from './pull-request.ts';
export { repositoryAt, repositoryKey } from './repository.ts';
export { isSigned, type WebhookHeaders } from './signature.ts';
export { defaultApi, type Forge, type ForgeKind } from './types.ts';
