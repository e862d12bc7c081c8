/** The parts of the Docker Engine API (v1.41, which podman serves too) that are read; everything may be absent. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly Image?: string;
  readonly ImageID?: string;
  readonly State?: string;
  /** Seconds since 1970. */
  readonly Created?: number;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

export interface ImageSummary {
  /** Digest of the config. */
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  /** `host/repository@sha256:…` for each registry it was pulled from or pushed to. */
  readonly RepoDigests?: readonly string[] | null;
}

export interface PortBinding {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

export interface EndpointSettings {
  readonly Aliases?: readonly string[] | null;
  readonly IPAMConfig?: Readonly<Record<string, unknown>> | null;
  readonly IPAddress?: string;
}

export interface ContainerConfig {
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly User?: string;
  readonly Tty?: boolean;
  readonly OpenStdin?: boolean;
  readonly StdinOnce?: boolean;
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | string | null;
  readonly Image?: string;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly StopSignal?: string;
  readonly StopTimeout?: number;
  readonly Healthcheck?: Readonly<Record<string, unknown>> | null;
}

export interface ContainerInspect {
  readonly Id: string;
  readonly Name: string;
  /** Image id (config digest). */
  readonly Image: string;
  readonly RestartCount?: number;
  readonly Created?: string;
  readonly State: {
    readonly Status?: string;
    readonly Running?: boolean;
    readonly ExitCode?: number;
    readonly Error?: string;
    readonly StartedAt?: string;
    readonly Health?: { readonly Status?: string } | null;
  };
  readonly Config: ContainerConfig;
  readonly HostConfig: Readonly<Record<string, unknown>> & {
    readonly NetworkMode?: string;
    readonly Binds?: readonly string[] | null;
    readonly Mounts?: readonly { readonly Type?: string; readonly Source?: string; readonly Target?: string }[] | null;
    readonly PortBindings?: Readonly<Record<string, readonly PortBinding[] | null>> | null;
  };
  readonly Mounts?:
    | readonly {
        readonly Type?: string;
        readonly Name?: string;
        readonly Destination?: string;
        readonly RW?: boolean;
      }[]
    | null;
  readonly NetworkSettings?: {
    readonly Ports?: Readonly<Record<string, readonly PortBinding[] | null>> | null;
    readonly Networks?: Readonly<Record<string, EndpointSettings>> | null;
    readonly IPAddress?: string;
  };
}

export interface ImageInspect {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  readonly Config?: ContainerConfig | null;
}

/** Body of POST /containers/create. */
export interface CreateBody extends ContainerConfig {
  readonly Image: string;
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly NetworkingConfig?: { readonly EndpointsConfig: Readonly<Record<string, EndpointSettings>> };
}
