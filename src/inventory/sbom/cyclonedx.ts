// By part: the whole library also loads validators and XML, which would be half of a warm scan's time.
import * as Enums from '@cyclonedx/cyclonedx-library/Enums';
import * as Models from '@cyclonedx/cyclonedx-library/Models';
import * as Serialize from '@cyclonedx/cyclonedx-library/Serialize';
import * as Spec from '@cyclonedx/cyclonedx-library/Spec';
import type { ImageContents } from '../types.ts';
import { installedDependencies } from './dependencies.ts';
import { broughtBy, languageComponents } from './language-components.ts';
import { purlOf } from './purl.ts';
import { type SbomOptions, subjectOf } from './subject.ts';

/** CycloneDX 1.6 JSON of an image: byte for byte the same for the same image (https://cyclonedx.org/docs/1.6/json/). */
export function toCycloneDx(contents: ImageContents, options: SbomOptions): string {
  const subject = subjectOf(contents, options);
  const root = new Models.Component(Enums.ComponentType.Container, subject.name, {
    bomRef: 'image',
    version: subject.version,
  });
  const bom = new Models.Bom({
    serialNumber: `urn:uuid:${subject.uuid}`,
    metadata: new Models.Metadata({
      timestamp: new Date(subject.created),
      component: root,
      tools: new Models.Tools({
        components: new Models.ComponentRepository([
          new Models.Component(Enums.ComponentType.Application, 'heraklit', { version: options.toolVersion }),
        ]),
      }),
    }),
  });
  const refs = new Map<string, number>();
  const components = packageComponents(contents, refs);
  const libraries = languageComponents(contents.languagePackages, refs);
  for (const component of [...components, ...libraries]) bom.components.add(component);
  const system = operatingSystem(contents);
  if (system !== undefined) bom.components.add(system);
  for (const [index, targets] of installedDependencies(contents.packages).entries()) {
    for (const target of targets) components[index]?.dependencies.add((components[target] as Models.Component).bomRef);
  }
  for (const component of [...components, ...libraries, ...(system === undefined ? [] : [system])]) {
    root.dependencies.add(component.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return serializer.serialize(bom, { sortLists: true, space: 2 });
}

function packageComponents(contents: ImageContents, refs: Map<string, number>): readonly Models.Component[] {
  const layers = layerOfPackages(contents);
  const brought = broughtBy(contents.languagePackages);
  return contents.packages.map((item) => {
    const purl = purlOf(item, contents.distribution, contents.ecosystem);
    // A broken database may list a package twice; references inside the document stay unique all the same.
    const seen = refs.get(purl) ?? 0;
    refs.set(purl, seen + 1);
    const component = new Models.Component(Enums.ComponentType.Library, item.name, {
      bomRef: seen === 0 ? purl : `${purl}#${seen + 1}`,
      version: item.version,
      purl,
    });
    if (item.maintainer !== '') component.supplier = new Models.OrganizationalEntity({ name: item.maintainer });
    const property = (name: string, value: string): unknown =>
      component.properties.add(new Models.Property(`heraklit:${name}`, value));
    property('source', item.source.name);
    property('source-version', item.source.version);
    const layer = layers.get(`${item.name}/${item.architecture}`);
    if (layer !== undefined) property('layer', layer);
    for (const purl of brought.get(item.name) ?? []) property('contains', purl);
    return component;
  });
}

/** Diff id of the layer that brought each package's present version: the last one that added or changed it. */
function layerOfPackages(contents: ImageContents): ReadonlyMap<string, string> {
  const layers = new Map<string, string>();
  for (const layer of contents.layers) {
    for (const item of [...layer.packages.added, ...layer.packages.changed]) {
      layers.set(`${item.name}/${item.architecture}`, layer.diffId);
    }
  }
  return layers;
}

function operatingSystem(contents: ImageContents): Models.Component | undefined {
  if (contents.distribution === undefined) return undefined;
  const { id, versionId, prettyName } = contents.distribution;
  return new Models.Component(Enums.ComponentType.OperatingSystem, id, {
    bomRef: 'operating-system',
    version: versionId,
    description: prettyName,
  });
}
