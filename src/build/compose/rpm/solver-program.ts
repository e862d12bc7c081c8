/**
 * What dnf is asked, in its own language: the packages that it would install into an empty root, from repositories on
 * disk. Reads a question as JSON, writes an answer as JSON.
 *
 * @see https://dnf.readthedocs.io/en/latest/api.html
 */
export const SOLVER = `
import json, sys
import dnf, dnf.exceptions

question = json.load(sys.stdin)
base = dnf.Base()
conf = base.conf
conf.installroot = question["root"]
conf.cachedir = conf.persistdir = conf.logdir = question["root"] + "/var/cache/heraklit/dnf"
conf.reposdir = []
conf.pluginpath = []
conf.plugins = False
conf.gpgcheck = False
conf.best = True
conf.install_weak_deps = question["recommends"]
conf.module_platform_id = question["platform"]
conf.substitutions["releasever"] = question["release"]
conf.substitutions["arch"] = conf.substitutions["basearch"] = question["architecture"]
conf.ignorearch = True
conf.excludepkgs = question["exclude"]
for repository in question["repositories"]:
    base.repos.add_new_repo(repository["name"], conf, baseurl=["file://" + repository["folder"]], cost=1000)
try:
    base.fill_sack(load_system_repo=question["upgrade"] is not None)
    for name, evr, arch in question["hold"]:
        others = base.sack.query().available().filterm(name=name, arch=arch).filterm(evr__neq=evr)
        base.sack.add_excludes(others)
    if question["upgrade"] is None:
        base.install_specs(question["packages"])
    else:
        base.install_specs(question["packages"], strict=True)
        for name in question["upgrade"]:
            base.upgrade(name)
    base.resolve(allow_erasing=question["upgrade"] is not None)
    kept = base.sack.query().installed().run() if question["upgrade"] is not None else []
    gone = {str(p) for p in (base.transaction.remove_set if base.transaction else [])}
    found = list(base.transaction.install_set) if base.transaction else []
    answer = {
        "packages": [[p.reponame, p.relativepath, p.name] for p in found],
        "kept": [[p.name, p.evr, p.arch] for p in kept if str(p) not in gone],
    }
except dnf.exceptions.MarkingErrors as error:
    answer = {"error": str(error)}
except dnf.exceptions.Error as error:
    answer = {"error": str(error)}
except Exception as error:
    answer = {"error": type(error).__name__ + ": " + str(error)}
sys.stdout.write("\\n" + json.dumps(answer))
`;
