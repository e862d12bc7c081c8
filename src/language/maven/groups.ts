/**
 * Groups of artifacts whose jars do not name them: those built by Gradle, Ant or sbt have no Maven descriptors. First
 * match counts; `=` stands for a group that is called like its artifact.
 */
const GROUPS: readonly (readonly [artifact: RegExp, group: string, version?: RegExp])[] = [
  [
    /^spring-(?:core|beans|context|context-support|context-indexer|aop|aspects|expression|instrument|jcl|jdbc)$/,
    'org.springframework',
  ],
  [/^spring-(?:jms|messaging|orm|oxm|r2dbc|test|tx|web|webflux|webmvc|websocket)$/, 'org.springframework'],
  [/^spring-(?:rabbit|amqp)(?:-|$)/, 'org.springframework.amqp'],
  [
    /^spring-(boot|cloud|security|data|integration|batch|session|kafka|retry|ws|hateoas|plugin|restdocs)(?:-|$)/,
    'org.springframework.$1',
  ],
  [/^reactor-netty(?:-|$)/, 'io.projectreactor.netty'],
  [/^reactor-(?:core|test|tools)$/, 'io.projectreactor'],
  [/^(?:micrometer-.+|context-propagation)$/, 'io.micrometer'],
  [/^kotlinx-(?:coroutines|serialization|datetime)-/, 'org.jetbrains.kotlinx'],
  [/^kotlin-(?:stdlib|reflect|script|daemon|compiler|test|build)/, 'org.jetbrains.kotlin'],
  [/^(?:okhttp|okhttp-.+|logging-interceptor|mockwebserver)$/, 'com.squareup.okhttp3', /^[3-9]/],
  [/^(?:okio|okio-jvm)$/, 'com.squareup.okio'],
  [/^(?:retrofit|converter-.+)$/, 'com.squareup.retrofit2', /^2/],
  [/^protobuf-(?:java|javalite|java-util|kotlin)$/, 'com.google.protobuf'],
  [/^re2j$/, 'com.google.re2j'],
  [/^jsr305$/, 'com.google.code.findbugs'],
  [/^grpc-/, 'io.grpc'],
  [/^caffeine$/, 'com.github.ben-manes.caffeine'],
  [/^opentelemetry-semconv/, 'io.opentelemetry.semconv'],
  [/^opentelemetry-/, 'io.opentelemetry'],
  [/^kafka(?:-clients|-streams|-server.*|_2\.\d+|-.+)?$/, 'org.apache.kafka'],
  [/^lucene-/, 'org.apache.lucene'],
  [/^elasticsearch(?:-.+)?$/, 'org.elasticsearch'],
  [/^opensearch(?:-.+)?$/, 'org.opensearch'],
  [/^groovy(?:-.+)?$/, 'org.codehaus.groovy', /^[0-3]\./],
  [/^groovy(?:-.+)?$/, 'org.apache.groovy'],
  [/^hibernate-core$/, 'org.hibernate', /^[3-5]\./],
  [/^hibernate-core$/, 'org.hibernate.orm'],
  [/^h2$/, 'com.h2database'],
  [/^mysql-connector-java$/, 'mysql'],
  [/^picocli(?:-.+)?$/, 'info.picocli'],
  [/^json-path$/, 'com.jayway.jsonpath'],
  [/^reactive-streams$/, 'org.reactivestreams'],
  [/^rxjava$/, 'io.reactivex.rxjava$major', /^[23]/],
  [/^jna(?:-platform)?$/, 'net.java.dev.jna'],
  [/^asm(?:-(?:tree|commons|analysis|util))?$/, 'org.ow2.asm'],
  [/^xz$/, 'org.tukaani'],
  [/^ant(?:-.+)?$/, 'org.apache.ant'],
  [/^velocity$/, 'org.apache.velocity'],
  [/^dom4j$/, '=', /^1\./],
  [/^dom4j$/, 'org.dom4j'],
  [/^checker-qual$/, 'org.checkerframework'],
  [/^hamcrest(?:-.+)?$/, 'org.hamcrest'],
  [/^junit-jupiter(?:-.+)?$/, 'org.junit.jupiter'],
  [/^junit-platform-.+$/, 'org.junit.platform'],
  [/^commons-(?:beanutils|chain|cli|codec|collections|configuration|daemon|dbcp|digester|discovery|el)$/, '='],
  [/^commons-(?:fileupload|httpclient|io|jxpath|lang|logging|net|pool|validator)$/, '='],
  [/^(?:aopalliance|avalon-framework|junit|log4j|logkit|oro|xalan|xerces|xml-apis|javax\.inject)$/, '='],
];

/** The group of a well-known artifact; '' for any other. */
export function knownGroup(artifact: string, version: string): string {
  for (const [pattern, group, versions] of GROUPS) {
    const match = pattern.exec(artifact);
    if (match === null || versions?.test(version) === false) continue;
    if (group === '=') return artifact;
    return group.replace('$1', match[1] ?? '').replace('$major', version.slice(0, 1));
  }
  return '';
}
