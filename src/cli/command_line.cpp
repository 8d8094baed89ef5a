#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/random.hpp"
#include "cli/client.hpp"
#include "cli/completion.hpp"
#include "cli/deploy.hpp"
#include "cli/docker.hpp"
#include "cli/doctor.hpp"
#include "cli/logs.hpp"
#include "cli/output.hpp"
#include "cli/platform.hpp"
#include "cli/runs.hpp"
#include "cli/s3.hpp"
#include "cli/s3_sync.hpp"
#include "cli/sql.hpp"
#include "cli/store.hpp"
#include "cli/up.hpp"
#include "cli/version.hpp"

namespace tarn::cli {
namespace {

// What every client command takes.
struct Common {
  std::string endpoint, profile;
  bool json = false;
};

struct CommandLine {
  CLI::App app{
      "tarn: an AWS data-lake platform in one program.\n"
      "  tarn up                       serve everything on 127.0.0.1:4566\n"
      "  tarn sql \"SELECT ...\"         ask Athena; see also tarn s3, tarn status\n"
      "Client commands speak to --endpoint, AWS_ENDPOINT_URL or 127.0.0.1:4566."};
  std::function<int()> chosen;

  CLI::App *s3_ = nullptr, *docker_ = nullptr;
  UpOptions up_options;
  Common common;
  SqlOptions sql_options;
  LogsOptions logs_options;
  RunsOptions runs_options;
  DeployOptions deploy_options;
  std::string from, to, shell, duration;
  SyncOptions sync_options;
  std::string source_endpoint, source_profile;
  bool no_plaintext = false, recursive = false, force = false;
  store::RepairOptions repair_options;

  CommandLine() {
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string("tarn ") + version);
    app.name("tarn");
    add_up();
    add_status();
    add_outbox();
    add_logs();
    add_runs();
    add_sql();
    add_deploy();
    add_s3();
    add_s3_sync();
    add_store();
    add_keys();
    add_clock();
    add_doctor();
    add_docker();
    add_version();
    add_completion();
  }

  CLI::App* command(CLI::App& parent, const std::string& name, const std::string& what, std::function<int()> run) {
    CLI::App* sub = parent.add_subcommand(name, what);
    sub->callback([this, run = std::move(run)] { chosen = run; });
    return sub;
  }

  // A command that speaks to a running tarn.
  CLI::App* client_command(CLI::App& parent, const std::string& name, const std::string& what,
                           std::function<int(Client&)> run) {
    CLI::App* sub = command(parent, name, what, [this, run = std::move(run)] {
      Client client(find_target(common.endpoint, common.profile));
      return run(client);
    });
    sub->add_option("--endpoint", common.endpoint, "Address of tarn");
    sub->add_option("--profile", common.profile, "Section of ~/.aws to take keys from");
    sub->add_flag("--json", common.json, "Print JSON");
    return sub;
  }

  void add_up() {
    UpOptions& o = up_options;
    CLI::App* up =
        command(app, "up", "Serve the whole platform on one address", [this] { return cli::up(up_options); });
    up->add_option("--data", o.data_dir, "Folder of all state; made when absent")->capture_default_str();
    up->add_option("--host", o.host, "Address to listen on")->capture_default_str();
    up->add_option("--port", o.port, "Port of every AWS service; 0 takes a free one")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    up->add_option("--redshift-port", o.redshift_port, "Port of Redshift; 0 takes a free one")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    up->add_option("--auth", o.auth,
                   "dev: any key is an account's root. strict: only keys that tarn issued. Default: dev on loopback, "
                   "else strict")
        ->check(CLI::IsMember({"dev", "strict"}));
    up->add_option("--compat", o.compat, "strict: AWS's exact answer also where AWS refuses what tarn would take")
        ->check(CLI::IsMember({"default", "strict"}))
        ->capture_default_str();
    up->add_option("--account", o.account, "The 12-digit account of keys that name none")
        ->check([](const std::string& s) {
          return s.size() == 12 && s.find_first_not_of("0123456789") == std::string::npos ? ""
                                                                                          : "an account has 12 digits";
        })
        ->capture_default_str();
    up->add_option("--clock", o.clock, "manual: time stands still but for `tarn clock advance`")
        ->check(CLI::IsMember({"system", "manual"}))
        ->capture_default_str();
    up->add_option("--durability", o.durability, "none: no flushes, for throw-away use")
        ->check(CLI::IsMember({"flushed", "none"}))
        ->capture_default_str();
    up->add_option("--encryption", o.encryption, "none: bodies of new objects stand in the clear on disk")
        ->check(CLI::IsMember({"on", "none"}))
        ->capture_default_str();
    up->add_option("--key-file", o.key_file,
                   "File of the key-encryption key (mode 600), made with openssl rand -base64 32; default: the data "
                   "folder's own. The variable TARN_KEY may hold the key itself");
    up->add_option("--key-command", o.key_command, "Command that prints the key-encryption key");
    up->add_option("--smtp", o.smtp, "host:port of the mail server that e-mail goes to; else it stays in the outbox");
    up->add_option("--allow-inert", o.inert_types,
                   "Resource type of CloudFormation's that tarn does not have, of which a record is kept; repeatable");
    up->add_option("--sms-webhook", o.sms_webhook,
                   "URL that gets text messages as JSON (PhoneNumber, Message); else they stay in the outbox");
    up->add_option(
        "--store", o.store,
        "s3://bucket/prefix on another S3 that large bodies are kept in, from the first start on; its keys are "
        "TARN_STORE_ACCESS_KEY_ID and TARN_STORE_SECRET_ACCESS_KEY, else AWS's");
    up->add_option("--store-endpoint", o.store_endpoint, "Address of that S3; AWS's when not given");
    up->add_option("--store-region", o.store_region, "Region of that S3; us-east-1 when not given");
    up->add_option("--scrub-rate", o.scrub_rate,
                   "How fast stored bodies are read again to find rot, in bytes a second (4MB, 500KB); 0: not at all. "
                   "Default: 8MB, and 0 where they are on another S3")
        ->transform(CLI::AsSizeValue(false));
    up->add_flag("--allow-reset", o.allow_reset, "Let POST /_tarn/reset empty this tarn");
    up->add_flag("--log-json", o.log_json, "Log in JSON, a line an event");
    up->add_flag("--quiet", o.quiet, "Do not log requests");
  }

  void add_keys() {
    CLI::App* keys = app.add_subcommand("keys", "The key-encryption key, which seals all other keys");
    keys->require_subcommand(1);
    CLI::App* rotate = command(*keys, "rotate", "Add a new version; it seals from the next `tarn up` on", [this] {
      SystemRandom random;
      const std::string file = up_options.key_file.empty() ? key_file_in(up_options.data_dir) : up_options.key_file;
      const uint32_t version = govern::KeyEncryptionKeys::rotate(file, random);
      std::cout << file << " now has version " << version
                << ". The next start seals all keys by it; no object is rewritten.\n";
      return 0;
    });
    rotate->add_option("--data", up_options.data_dir, "Folder of all state")->capture_default_str();
    rotate->add_option("--key-file", up_options.key_file, "The file, if it is not the data folder's own");
  }

  void add_status() {
    client_command(app, "status", "Tell whether a tarn answers, and what runs in it", [this](Client& client) {
      Value health = client.local("GET", "/_tarn/health");
      if (common.json) {
        print_json(health);
        return 0;
      }
      std::cout << "tarn " << health.string_or("version") << " at " << client.target().endpoint << " is "
                << health.string_or("state") << ", up for " << health.int_or("uptime_s") << " s\nservices:";
      for (const auto& [name, state] : health.at("services").as_map()) std::cout << ' ' << name;
      std::cout << '\n';
      print_scrub(health.at("scrub"));
      return 0;
    });
  }

  static void print_scrub(const Value& scrub) {
    const std::string last = scrub.string_or("last_full_pass");
    std::cout << "stored bodies: " << (last.empty() ? "not yet all read again" : "all read again by " + last);
    if (const int64_t damaged = scrub.int_or("damaged_bodies"))
      std::cout << "; " << damaged << " damaged: the log names them, and so does tarn store verify";
    std::cout << '\n';
  }

  void add_outbox() {
    client_command(app, "outbox", "Show e-mail and text messages that no setting sends anywhere",
                   [this](Client& client) {
                     const Value messages = client.local("GET", "/_tarn/outbox").at("messages");
                     if (common.json) {
                       print_json(messages);
                       return 0;
                     }
                     for (const Value& m : messages.as_list())
                       std::cout << m.string_or("at") << "  " << m.string_or("kind") << " to " << m.string_or("to")
                                 << "  " << m.string_or("subject") << "\n    " << m.string_or("body") << "\n";
                     return 0;
                   });
  }

  void add_logs() {
    LogsOptions& o = logs_options;
    CLI::App* sub =
        client_command(app, "logs", "Print a log group's events; without one, list the groups", [this](Client& client) {
          logs_options.json = common.json;
          if (!duration.empty()) logs_options.since_ms = parse_duration_ms(duration);
          return cli::logs(client, logs_options);
        });
    sub->add_option("group", o.group, "/aws-glue/jobs/output, /aws/lambda/NAME ...");
    sub->add_flag("--follow,-f", o.follow, "Go on with what comes");
    sub->add_option("--since", duration, "From so long ago on: 10m, 36h, 2d; else from the first event on");
    sub->add_option("--filter", o.filter, "A filter pattern: ERROR, \"two words\", { $.level = \"warn\" }");
    sub->add_option("--stream", o.stream_prefix, "Only streams whose names begin so");
  }

  void add_runs() {
    CLI::App* sub = client_command(app, "runs",
                                   "Show runs of workflows, jobs, crawlers, state machines and queries: what started "
                                   "what, how long, what failed and why",
                                   [this](Client& client) {
                                     runs_options.json = common.json;
                                     return cli::runs(client, runs_options);
                                   });
    sub->add_option("--limit", runs_options.limit, "So many of each workflow, job, crawler and state machine")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
  }

  void add_sql() {
    CLI::App* sub = client_command(app, "sql", "Run a statement in Athena and print its rows", [this](Client& client) {
      sql_options.json = common.json;
      return cli::sql(client, sql_options);
    });
    sub->add_option("statement", sql_options.statement, "The statement; - reads standard input")->required();
    sub->add_option("--database,-d", sql_options.database, "Database of tables that name none");
    sub->add_option("--workgroup", sql_options.workgroup, "Workgroup; primary when not given");
    sub->add_option("--output", sql_options.output, "s3:// place of the result file");
    sub->add_flag("--csv", sql_options.csv, "Print CSV");
  }

  void add_s3() {
    CLI::App* s3 = app.add_subcommand("s3", "Look at, copy and remove objects")->require_subcommand(1);
    s3_ = s3;
    auto* ls = client_command(*s3, "ls", "List buckets, or what is under a prefix",
                              [this](Client& c) { return s3_list(c, from, recursive, common.json); });
    ls->add_option("where", from, "s3://bucket/prefix");
    auto* cp = client_command(*s3, "cp", "Copy a file to s3, from s3, or within s3",
                              [this](Client& c) { return s3_copy(c, from, to, recursive); });
    cp->add_option("from", from)->required();
    cp->add_option("to", to)->required();
    auto* rm = client_command(*s3, "rm", "Remove an object, or all under a prefix",
                              [this](Client& c) { return s3_remove(c, from, recursive); });
    rm->add_option("where", from, "s3://bucket/key")->required();
    for (CLI::App* sub : {ls, cp, rm}) sub->add_flag("--recursive,-r", recursive, "All below, too");
    client_command(*s3, "mb", "Make a bucket", [this](Client& c) { return s3_make_bucket(c, from); })
        ->add_option("where", from, "s3://bucket")
        ->required();
    auto* rb =
        client_command(*s3, "rb", "Remove a bucket", [this](Client& c) { return s3_remove_bucket(c, from, force); });
    rb->add_option("where", from, "s3://bucket")->required();
    rb->add_flag("--force", force, "Remove its objects first");
    client_command(*s3, "cat", "Write an object to standard output", [this](Client& c) { return s3_cat(c, from); })
        ->add_option("where", from, "s3://bucket/key")
        ->required();
  }

  void add_deploy() {
    DeployOptions& o = deploy_options;
    auto takes_lake = [&o](CLI::App* sub) {
      sub->add_option("where", o.where, "lake.yml, or the folder that holds it")->capture_default_str();
      sub->add_option("--stage", o.stage, "dev, stg, prd ...; the file's own if not given");
    };
    auto with_json = [this](DeployOptions options) {
      options.json = common.json;
      return options;
    };
    takes_lake(client_command(app, "plan", "Tell what deploying a lake file would change",
                              [this, with_json](Client& c) { return plan(c, with_json(deploy_options)); }));
    takes_lake(client_command(app, "deploy", "Put up the lake that a lake file declares, or change it",
                              [this, with_json](Client& c) { return deploy(c, with_json(deploy_options)); }));
    CLI::App* destroys = client_command(app, "destroy", "Take the lake of a lake file down",
                                        [this, with_json](Client& c) { return destroy(c, with_json(deploy_options)); });
    takes_lake(destroys);
    destroys->add_flag("--with-data", o.with_data, "Remove all objects of its buckets first");
    CLI::App* exports = app.add_subcommand("export", "Write a lake file in another form")->require_subcommand(1);
    CLI::App* template_ = command(*exports, "cloudformation", "As a CloudFormation template",
                                  [this] { return export_cloudformation(deploy_options); });
    takes_lake(template_);
    template_->add_option("--assets", o.assets, "Folder that gets the pipelines' code");
  }

  void add_s3_sync() {
    SyncOptions& o = sync_options;
    auto* sync = client_command(*s3_, "sync", "Copy what is new or changed, from a folder or bucket to another",
                                [this](Client& c) {
                                  const bool elsewhere = !source_endpoint.empty() || !source_profile.empty();
                                  return s3_sync(elsewhere ? find_target(source_endpoint, source_profile) : c.target(),
                                                 c.target(), sync_options);
                                });
    sync->add_option("from", o.from, "A folder, or s3://bucket/prefix")->required();
    sync->add_option("to", o.to, "A folder, or s3://bucket/prefix")->required();
    sync->add_option("--source-endpoint", source_endpoint, "Address of the S3 that `from` is on, if it is another");
    sync->add_option("--source-profile", source_profile, "Section of ~/.aws with the keys for it");
    sync->add_flag("--size-only", o.size_only, "What has the same size is the same, however old");
    sync->add_flag("--checksum", o.checksum, "Compare the bytes by their ETag, not the ages");
    sync->add_flag("--delete", o.remove, "Remove at the target what the source lacks");
    sync->add_flag("--dryrun", o.dry_run, "Only tell what would be done");
    sync->add_flag("--quiet", o.quiet, "Tell only what fails");
    sync->add_option("--exclude", o.exclude, "Leave alone names like this: \"*.tmp\", \"logs/*\"")
        ->allow_extra_args(false);
    sync->add_option("--include", o.include, "But not names like this")->allow_extra_args(false);
    sync->add_option("--parallel", o.parallel, "So many objects at once")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
  }

  store::RemoteBodies remote() const { return remote_bodies("", up_options.store_endpoint, up_options.store_region); }

  void add_store() {
    CLI::App* store = app.add_subcommand("store", "Look into the object store of a tarn that is not running");
    store->require_subcommand(1);
    auto* verify = command(*store, "verify", "Read every record and every byte; exit code 1 when something is wrong",
                           [this] { return store_verify(up_options.data_dir, remote(), no_plaintext, common.json); });
    verify->add_flag("--no-plaintext", no_plaintext, "A body that stands in the clear is wrong, too");
    auto* locate = command(*store, "locate", "Tell where an object's bytes lie",
                           [this] { return store_locate(up_options.data_dir, remote(), from, common.json); });
    locate->add_option("where", from, "s3://bucket/key")->required();
    auto* repair = command(*store, "repair", "Tell what can be mended; with --apply, do it", [this] {
      if (repair_options.drop_corrupt && !repair_options.apply)
        throw Error(ErrorKind::caller, "InvalidArgument", "--drop-corrupt changes the store: give --apply too.");
      return store_repair(up_options.data_dir, remote(), repair_options, common.json);
    });
    repair->add_flag("--apply", repair_options.apply, "Do what is told without it");
    repair->add_flag("--drop-corrupt", repair_options.drop_corrupt,
                     "Take versions whose body is lost out of the index; a report tells which");
    repair->add_flag("--remove-orphans", repair_options.remove_orphans,
                     "Remove blobs that nothing knows; else they are put aside into objects/aside/");
    for (CLI::App* sub : {verify, locate, repair}) {
      sub->add_option("--data", up_options.data_dir, "Folder of all state")->capture_default_str();
      sub->add_option("--store-endpoint", up_options.store_endpoint,
                      "Address of the S3 that holds the bodies, if changed");
      sub->add_option("--store-region", up_options.store_region, "Its region, if changed");
      sub->add_flag("--json", common.json, "Print JSON");
    }
  }

  void add_clock() {
    CLI::App* clock =
        app.add_subcommand("clock", "Tell or move the time of a tarn that was started with --clock manual")
            ->require_subcommand(1);
    auto print = [this](const Value& state) {
      if (common.json)
        print_json(state);
      else
        std::cout << state.string_or("now") << '\n';
      return 0;
    };
    client_command(*clock, "now", "Tell the time",
                   [print](Client& c) { return print(c.local("GET", "/_tarn/clock")); });
    client_command(*clock, "advance", "Move the time forward",
                   [this, print](Client& c) {
                     return print(c.local("POST", "/_tarn/clock",
                                          to_json(Value::map({{"advance_ms", parse_duration_ms(duration)}}))));
                   })
        ->add_option("by", duration, "36h, 15m, 90s, 2d, 500ms")
        ->required();
  }

  static int64_t parse_duration_ms(const std::string& text) {
    std::size_t end = 0;
    double number = 0;
    try {
      number = std::stod(text, &end);
    } catch (const std::exception&) {
      end = 0;
    }
    const std::string unit = text.substr(end);
    const double factor = unit == "ms"  ? 1
                          : unit == "s" ? 1e3
                          : unit == "m" ? 60e3
                          : unit == "h" ? 3600e3
                          : unit == "d" ? 86400e3
                                        : 0;
    if (end == 0 || factor == 0 || number < 0)
      throw Error(ErrorKind::caller, "InvalidDuration", text + " is no duration: write 36h, 15m, 90s, 2d or 500ms.");
    return static_cast<int64_t>(number * factor);
  }

  void add_doctor() {
    CLI::App* sub = command(app, "doctor", "Check what this machine has of what tarn needs",
                            [this] { return doctor(up_options.data_dir, up_options.port, common.json); });
    sub->add_option("--data", up_options.data_dir, "Folder of all state")->capture_default_str();
    sub->add_option("--port", up_options.port, "Port of tarn")->capture_default_str();
    sub->add_flag("--json", common.json, "Print JSON");
  }

  void add_docker() {
    CLI::App* sub = command(app, "docker",
                            "Build and push images on this machine's Python and Node, without an engine; a link "
                            "named tarn-docker to tarn is for CDK_DOCKER",
                            [this] { return docker(docker_->remaining()); });
    sub->prefix_command();
    docker_ = sub;
    CLI::App* run = command(app, "run-in-root", "Used by tarn docker", [this] { return run_in_root(from); });
    run->add_option("spec", from)->required();
    run->group("");  // not told of
  }

  void add_version() {
    CLI::App* sub = command(app, "version", "Tell the version", [this] {
      if (common.json)
        print_json(Value::map({{"version", version}}));
      else
        std::cout << "tarn " << version << '\n';
      return 0;
    });
    sub->add_flag("--json", common.json, "Print JSON");
  }

  void add_completion() {
    CLI::App* sub = command(app, "completion", "Print a completion script: source <(tarn completion bash)", [this] {
      std::cout << completion_script(app, shell);
      return 0;
    });
    sub->add_option("shell", shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }
};

}  // namespace

int run(int argc, char** argv) {
  // The CDK wants the name of a program, without words behind it.
  if (std::filesystem::path(argv[0]).filename() == "tarn-docker")
    return docker(std::vector<std::string>(argv + 1, argv + argc));
  CommandLine line;
  CLI11_PARSE(line.app, argc, argv);
  try {
    return line.chosen();
  } catch (const Error& e) {
    if (line.common.json)
      std::cerr << to_json(Value::map({{"error", e.code()}, {"message", e.message()}})) << '\n';
    else
      std::cerr << "tarn: " << e.message() << '\n';
    return 1;
  }
}

}  // namespace tarn::cli
