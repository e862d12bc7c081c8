export type {
  ChangelogEntry,
  Distribution,
  DistributionName,
  InstalledPackage,
  OrGroup,
  PackageIdentity,
  PackageRelations,
  Relation,
  RepositoryPackage,
  RepositorySnapshot,
  SourcePackage,
} from './types.ts';
