#include "compute/jobs/jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::compute {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
namespace state = glue::job_run_state;

using Texts = std::map<std::string, std::string>;
const Scope scope{"000000000000", "us-east-1", "arn:aws:iam::000000000000:root"};

// Stands in for python/tarn_job: runs the script and says how it ended, as the real one does.
constexpr const char* stand_in = R"(
import json, os, runpy, sys, traceback
own, rest = sys.argv[1:], []
if "--" in own:
    cut = own.index("--"); own, rest = own[:cut], own[cut + 1:]
options = dict(zip(own[::2], own[1::2]))
script = options["--script"]
for path in options.get("--extra-py-files", "").split(","):
    if path: sys.path.insert(0, os.path.dirname(path))
os.environ["OPTIONS"] = json.dumps(options)
result = {"state": "SUCCEEDED", "error_message": "", "traceback": ""}
try:
    sys.argv = [script] + rest
    runpy.run_path(script, run_name="__main__")
except BaseException as error:
    traceback.print_exc()
    result = {"state": "FAILED", "error_message": f"{type(error).__name__}: {error}", "traceback": ""}
sys.stdout.flush()
json.dump(result, open(os.environ["TARN_JOB_RESULT"], "w"))
sys.exit(0 if result["state"] == "SUCCEEDED" else 1)
)";

class JobsTest : public testing::Test {
 protected:
  JobsTest()
      : folder_("/tmp/tarn-jobs-test-" + std::to_string(getpid()) + "-" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/runtime/python/tarn_job");
    std::filesystem::create_directories(folder_ + "/runtime/tools");
    std::ofstream(folder_ + "/runtime/python/tarn_job/__main__.py") << stand_in;
    options_.work_folder = folder_ + "/runs";
    options_.job_runtime_folder = folder_ + "/runtime";
    options_.python = "/usr/bin/python3";
    options_.minute = 1000ms;
    options_.retry_delay = 10s;
    options_.grace = 300ms;
    open();
  }
  ~JobsTest() override {
    close();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    metadata_ = meta::open_sqlite(folder_ + "/meta.db", clock_, false);
    logs_ = std::make_unique<meta::LogStore>(*metadata_, clock_, folder_ + "/logs");
    store_ = store::open_local(folder_ + "/store", clock_, random_, store::Durability::none);
    identities_ = std::make_unique<govern::Identities>(*metadata_, clock_, random_);
    jobs_ = std::make_unique<Jobs>(JobPlatform{*metadata_, *logs_, *store_, authority_, *identities_, clock_, random_},
                                   options_);
    jobs_->start("http://127.0.0.1:4566");
    if (!store_->find_bucket("scripts"))
      store_->create_bucket({"scripts", scope.account, scope.region, clock_.now(), {}});
  }
  void close() {
    jobs_.reset();
    identities_.reset();
    store_.reset();
    logs_.reset();
    metadata_.reset();
  }
  void upload(const std::string& key, const std::string& text) {
    auto writer = store_->write(authority_.internal(store::Access::write), "scripts", key, {});
    writer->append(text);
    writer->finish({});
  }
  glue::CreateJobRequest request(const std::string& name, const std::string& script) {
    upload(name + ".py", script);
    glue::CreateJobRequest r;
    r.name = name;
    r.role = "job-role";
    r.command.name = "glueetl";
    r.command.script_location = "s3://scripts/" + name + ".py";
    return r;
  }
  void create(const std::string& name, const std::string& script) { jobs_->create(scope, request(name, script)); }
  std::string start(const std::string& name, std::map<std::string, std::string> arguments = {}) {
    glue::StartJobRunRequest r;
    r.job_name = name;
    if (!arguments.empty()) r.arguments = arguments;
    return jobs_->start_run(scope, r);
  }
  glue::JobRun wait_for(const std::string& name, const std::string& id, const std::string& wanted = "") {
    for (int i = 0; i < 3000; ++i) {
      glue::JobRun run = jobs_->run(scope, name, id);
      const std::string& s = *run.job_run_state;
      bool ended = s != state::starting && s != state::running && s != state::stopping && s != state::waiting;
      if (wanted.empty() ? ended : s == wanted) return run;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "run " << id << " stays " << *jobs_->run(scope, name, id).job_run_state;
    return {};
  }
  glue::JobRun run(const std::string& name, const std::string& script,
                   std::map<std::string, std::string> arguments = {}) {
    create(name, script);
    return wait_for(name, start(name, arguments));
  }
  std::vector<std::string> lines(const std::string& group, const std::string& stream) {
    meta::LogScope s{scope.account, scope.region};
    std::vector<std::string> out;
    auto found = logs_->find_stream(s, group, stream);
    if (!found) return out;
    logs_->scan(logs_->group(s, group), std::span(&*found, 1), {}, meta::LogOrder::oldest_first,
                [&](const meta::LogStream&, const meta::LogEvent& e) {
                  out.push_back(e.message);
                  return true;
                });
    return out;
  }
  template <class F>
  static std::string failure(F act) {
    try {
      act();
    } catch (const Error& e) {
      return e.code() + ": " + e.message();
    }
    return "";
  }

  std::string folder_;
  ManualClock clock_{Time(1'700'000'000'000ms)};
  SystemRandom random_;
  govern::Authority authority_;
  JobOptions options_;
  std::unique_ptr<meta::Metadata> metadata_;
  std::unique_ptr<meta::LogStore> logs_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<govern::Identities> identities_;
  std::unique_ptr<Jobs> jobs_;
};

TEST_F(JobsTest, RunsAScriptAndKeepsItsOutput) {
  glue::JobRun r = run("j", "import sys\nprint('hello')\nprint('oops', file=sys.stderr)");
  EXPECT_EQ(r.job_run_state, state::succeeded);
  EXPECT_THAT(*r.id, testing::MatchesRegex("jr_[0-9a-f]{64}"));
  EXPECT_EQ(r.attempt, 0);
  EXPECT_EQ(r.timeout, 480);
  EXPECT_EQ(r.max_capacity, 10);
  EXPECT_EQ(r.log_group_name, "/aws-glue/jobs");
  EXPECT_EQ(r.completed_on, clock_.now());
  EXPECT_FALSE(r.error_message);
  EXPECT_THAT(lines("/aws-glue/jobs/output", *r.id), ElementsAre("hello"));
  EXPECT_THAT(lines("/aws-glue/jobs/error", *r.id), ElementsAre("oops"));
  EXPECT_FALSE(std::filesystem::exists(options_.work_folder + "/" + *r.id));
}

TEST_F(JobsTest, GivesTheScriptItsArguments) {
  auto r = request("j", "import sys, json; print(json.dumps(sys.argv[1:]))");
  r.default_arguments = Texts{{"--a", "default"},           {"--b", "default"},           {"--c", "default"},
                              {"--enable-metrics", "true"}, {"--job-language", "python"}, {"--TempDir", "s3://t/"}};
  r.non_overridable_arguments = Texts{{"--c", "fixed"}};
  jobs_->create(scope, r);
  std::string id = start("j", {{"--b", "mine"}, {"--c", "mine"}, {"--empty", ""}, {"--extra-jars", "s3://x/y.jar"}});
  EXPECT_EQ(wait_for("j", id).job_run_state, state::succeeded);
  Value argv = parse_json(lines("/aws-glue/jobs/output", id).at(0));
  std::vector<std::string> words;
  for (const Value& v : argv.as_list()) words.push_back(v.as_string());
  ASSERT_EQ(words.size(), 18u);
  EXPECT_THAT(std::vector(words.begin(), words.begin() + 8),
              ElementsAre("--job-bookmark-option", "job-bookmark-disable", "--JOB_ID", testing::StartsWith("j_"),
                          "--JOB_RUN_ID", id, "--JOB_NAME", "j"));
  EXPECT_THAT(std::vector(words.begin() + 8, words.end()),
              ElementsAre("--TempDir", "s3://t/", "--a", "default", "--b", "mine", "--c", "fixed", "--empty", ""));
  EXPECT_THAT(lines("/aws-glue/jobs/error", id), ElementsAre("tarn: --extra-jars has no effect here."));
}

TEST_F(JobsTest, GivesTheRolesKeysAndNothingOfItsOwn) {
  setenv("TARN_SECRET_OF_TEST", "1", 1);
  auto r = run("j", "import os, json; print(json.dumps(dict(os.environ)))");
  Value env = parse_json(lines("/aws-glue/jobs/output", *r.id).at(0));
  EXPECT_FALSE(env.find("TARN_SECRET_OF_TEST"));
  EXPECT_EQ(env.at("AWS_ENDPOINT_URL").as_string(), "http://127.0.0.1:4566");
  EXPECT_EQ(env.at("AWS_REGION").as_string(), "us-east-1");
  EXPECT_EQ(env.at("HOME").as_string(), options_.work_folder + "/" + *r.id);
  auto credential = identities_->find(env.at("AWS_ACCESS_KEY_ID").as_string());
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->principal.arn, "arn:aws:sts::000000000000:assumed-role/job-role/GlueJobRunnerSession");
  EXPECT_EQ(credential->session_token, env.at("AWS_SESSION_TOKEN").as_string());
}

TEST_F(JobsTest, BringsModulesAndFiles) {
  upload("lib/helper.py", "def word(): return 'helped'");
  upload("data/names.txt", "Ana");
  auto r = run("j", "import helper; print(helper.word(), open('names.txt').read())",
               {{"--extra-py-files", "s3://scripts/lib/helper.py"}, {"--extra-files", "s3://scripts/data/names.txt"}});
  EXPECT_EQ(r.error_message.value_or(""), "");
  EXPECT_THAT(lines("/aws-glue/jobs/output", *r.id), ElementsAre("helped Ana"));
}

TEST_F(JobsTest, RunsPythonShells) {
  auto r = request("sh", "import sys, os; print(sys.argv[1:], os.environ['OPTIONS'])");
  r.command.name = "pythonshell";
  r.command.python_version = "3.9";
  r.default_arguments = Texts{{"--x", "1"}};
  jobs_->create(scope, r);
  glue::JobRun done = wait_for("sh", start("sh"));
  EXPECT_EQ(done.job_run_state, state::succeeded);
  EXPECT_EQ(done.max_capacity, 0.0625);
  EXPECT_EQ(done.timeout, 2880);
  EXPECT_EQ(done.log_group_name, "/aws-glue/python-jobs");
  EXPECT_THAT(lines("/aws-glue/python-jobs/output", *done.id),
              ElementsAre(testing::AllOf(HasSubstr("['--x', '1']"), HasSubstr("\"--kind\": \"pythonshell\""))));
}

TEST_F(JobsTest, TellsWhyARunFailed) {
  glue::JobRun r = run("raises", "raise ValueError('boom')");
  EXPECT_EQ(r.job_run_state, state::failed);
  EXPECT_EQ(r.error_message, "ValueError: boom");
  EXPECT_THAT(lines("/aws-glue/jobs/error", *r.id), testing::Contains(HasSubstr("raise ValueError('boom')")));
  EXPECT_EQ(run("exits", "import os; os._exit(10)").error_message, "Command failed with exit code 10");
  EXPECT_EQ(run("dies", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)").error_message,
            "Command failed with exit code 139");
  jobs_->create(scope, [&] {
    auto q = request("gone", "");
    q.command.script_location = "s3://scripts/none.py";
    return q;
  }());
  r = wait_for("gone", start("gone"));
  EXPECT_EQ(r.job_run_state, state::failed);
  EXPECT_EQ(
      r.error_message,
      "LAUNCH ERROR | Error downloading from S3 for bucket: scripts, key: none.py.The specified key does not exist. "
      "(Service: Amazon S3; Status Code: 404; Error Code: NoSuchKey)");
  EXPECT_THAT(*wait_for("gone", start("gone", {{"--scriptLocation", "s3://nowhere/x.py"}})).error_message,
              HasSubstr("NoSuchBucket"));
}

TEST_F(JobsTest, EndsAtItsTimeout) {
  auto r = request("slow", "import time; time.sleep(60)");
  r.timeout = 1;  // a second here
  jobs_->create(scope, r);
  glue::JobRun done = wait_for("slow", start("slow"));
  EXPECT_EQ(done.job_run_state, state::timeout);
  EXPECT_EQ(done.error_message, "Timed out");
  EXPECT_EQ(done.execution_time, 1);
}

TEST_F(JobsTest, EndsAtItsMemoryLimit) {
  close();
  options_.memory_bytes = 100 << 20;
  open();
  glue::JobRun r = run("fat", "x = []\nwhile True: x.append(bytearray(b'x' * (1 << 20)))");
  EXPECT_EQ(r.job_run_state, state::failed);
  EXPECT_THAT(*r.error_message, HasSubstr("Out of memory: the run used more than 100 MiB"));
}

TEST_F(JobsTest, StopsWhenAsked) {
  create("j", "import time; print('up', flush=True); time.sleep(60)");
  std::string id = start("j");
  wait_for("j", id, state::running);
  jobs_->stop_run(scope, "j", id);
  EXPECT_EQ(wait_for("j", id).job_run_state, state::stopped);
  EXPECT_THAT(failure([&] { jobs_->stop_run(scope, "j", id); }),
              testing::StartsWith("JobRunInvalidStateTransitionException"));
  EXPECT_THAT(failure([&] { jobs_->stop_run(scope, "j", "jr_none"); }), testing::StartsWith("EntityNotFoundException"));
}

TEST_F(JobsTest, RetriesByTheClock) {
  auto r = request("j", "import sys\nprint(sys.argv[sys.argv.index('--JOB_RUN_ID') + 1])\nraise ValueError('again')");
  r.max_retries = 2;
  jobs_->create(scope, r);
  std::string id = start("j");
  EXPECT_EQ(wait_for("j", id).job_run_state, state::failed);
  glue::JobRun second = wait_for("j", id + "_attempt_1", state::waiting);
  EXPECT_EQ(second.attempt, 1);
  EXPECT_EQ(second.previous_run_id, id);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(jobs_->run(scope, "j", id + "_attempt_1").job_run_state, state::waiting);
  clock_.advance(10s);
  EXPECT_EQ(wait_for("j", id + "_attempt_1").job_run_state, state::failed);
  wait_for("j", id + "_attempt_2", state::waiting);
  clock_.advance(10s);
  EXPECT_EQ(wait_for("j", id + "_attempt_2").job_run_state, state::failed);
  auto all = jobs_->runs(scope, "j", {}).items;
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].id, id + "_attempt_2");  // newest first
  EXPECT_THAT(lines("/aws-glue/jobs/output", id + "_attempt_1"), ElementsAre(id + "_attempt_1"));
}

TEST_F(JobsTest, RepeatsARunThatIsNamed) {
  create("j", "print('x')");
  std::string id = start("j");
  wait_for("j", id);
  glue::StartJobRunRequest again;
  again.job_name = "j";
  again.job_run_id = id;
  std::string next = jobs_->start_run(scope, again);
  EXPECT_EQ(next, id + "_attempt_1");
  EXPECT_EQ(wait_for("j", next).previous_run_id, id);
  again.job_run_id = "jr_none";
  EXPECT_THAT(failure([&] { jobs_->start_run(scope, again); }), testing::StartsWith("EntityNotFoundException"));
}

TEST_F(JobsTest, LimitsConcurrentRuns) {
  auto r = request("j", "import time; time.sleep(60)");
  r.execution_property = glue::ExecutionProperty{2};
  jobs_->create(scope, r);
  std::string a = start("j"), b = start("j");
  EXPECT_EQ(failure([&] { start("j"); }), "ConcurrentRunsExceededException: Concurrent runs exceeded for j");
  jobs_->stop_run(scope, "j", a);
  wait_for("j", a);
  start("j");
}

TEST_F(JobsTest, QueuesRunsWhereTheJobSaysSo) {
  auto r = request("j", "import time; time.sleep(60)");
  r.job_run_queuing_enabled = true;
  jobs_->create(scope, r);
  std::string a = start("j"), b = start("j"), c = start("j");
  wait_for("j", a, state::running);
  EXPECT_EQ(jobs_->run(scope, "j", b).job_run_state, state::waiting);
  jobs_->stop_run(scope, "j", a);
  wait_for("j", b, state::running);
  EXPECT_EQ(jobs_->run(scope, "j", c).job_run_state, state::waiting);
  jobs_->stop_run(scope, "j", c);
  EXPECT_EQ(wait_for("j", c).job_run_state, state::stopped);
}

TEST_F(JobsTest, FailsWhatWasInterruptedAndResumesWhatWaited) {
  auto r = request("j", "import time, sys; time.sleep(60)");
  r.max_retries = 1;
  jobs_->create(scope, r);
  std::string id = start("j");
  wait_for("j", id, state::running);
  close();
  open();
  glue::JobRun first = jobs_->run(scope, "j", id);
  EXPECT_EQ(first.job_run_state, state::failed);
  EXPECT_THAT(*first.error_message, HasSubstr("interrupted"));
  EXPECT_EQ(jobs_->run(scope, "j", id + "_attempt_1").job_run_state, state::waiting);
  clock_.advance(10s);
  wait_for("j", id + "_attempt_1", state::running);
}

TEST_F(JobsTest, LeavesNoProcessAfterKill9AndTakesItsBookmark) {
  std::string mark = folder_ + "/mark-of-kill9";
  create("j", "import os, time, sys\nopen(os.environ['TARN_BOOKMARK_FILE'], 'w').write('{\"seen\": 1}')\nopen('" +
                  mark + "', 'w').write(str(os.getpid()))\ntime.sleep(60)");
  close();
  pid_t tarn = fork();
  if (tarn == 0) {
    open();
    std::ofstream(folder_ + "/id") << start("j", {{"--job-bookmark-option", "job-bookmark-enable"}});
    for (;;) pause();
  }
  auto text = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  for (int i = 0; i < 2000 && text(mark).empty(); ++i) std::this_thread::sleep_for(10ms);
  int pid = std::stoi(text(mark));
  std::string id = text(folder_ + "/id");
  kill(tarn, SIGKILL);
  waitpid(tarn, nullptr, 0);
  for (int i = 0; i < 300 && kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_NE(kill(pid, 0), 0);
  open();
  EXPECT_EQ(jobs_->run(scope, "j", id).job_run_state, state::failed);
  EXPECT_EQ(jobs_->bookmark(scope, "j", id).job_bookmark, "{\"seen\": 1}");
  EXPECT_FALSE(std::filesystem::exists(options_.work_folder + "/" + id));
}

TEST_F(JobsTest, KeepsBookmarks) {
  create("j", R"(import os, json
path = os.environ.get('TARN_BOOKMARK_FILE')
state = json.load(open(path)) if path and os.path.exists(path) else {'n': 0}
print(state['n'])
if path: json.dump({'n': state['n'] + 1}, open(path, 'w')))");
  std::map<std::string, std::string> enable = {{"--job-bookmark-option", "job-bookmark-enable"}};
  auto printed = [&](std::map<std::string, std::string> arguments, std::string* id = nullptr) {
    std::string run_id = start("j", arguments);
    EXPECT_EQ(wait_for("j", run_id).error_message.value_or(""), "");
    if (id) *id = run_id;
    return lines("/aws-glue/jobs/output", run_id).at(0);
  };
  EXPECT_THAT(failure([&] { jobs_->bookmark(scope, "j", {}); }), testing::StartsWith("EntityNotFoundException"));
  std::string first;
  EXPECT_EQ(printed(enable, &first), "0");
  EXPECT_EQ(printed(enable), "1");
  EXPECT_EQ(printed({{"--job-bookmark-option", "job-bookmark-pause"}}), "2");
  EXPECT_EQ(printed({}), "0");
  EXPECT_EQ(printed(enable), "2");
  auto entry = jobs_->bookmark(scope, "j", {});
  EXPECT_EQ(entry.version, 3);
  EXPECT_EQ(entry.job_bookmark, "{\"n\": 3}");
  jobs_->reset_bookmark(scope, "j", first);
  EXPECT_EQ(printed(enable), "1");
  EXPECT_EQ(jobs_->reset_bookmark(scope, "j", {}).job_bookmark, "{}");
  EXPECT_EQ(printed(enable), "0");
}

TEST_F(JobsTest, EchoesADefinitionAsItWasSent) {
  auto r = request("j", "");
  r.default_arguments = Texts{{"--a", "b"}};
  r.tags = Texts{{"team", "energy"}};
  jobs_->create(scope, r);
  Value sent = to_value(r);
  sent.erase("Tags");
  sent.set("CreatedOn", clock_.now());
  sent.set("LastModifiedOn", clock_.now());
  EXPECT_EQ(jobs_->job(scope, "j"), api::from<glue::Job>(sent));
  jobs_->create(scope, r);  // the same again
  r.description = "other";
  EXPECT_THAT(failure([&] { jobs_->create(scope, r); }), testing::StartsWith("IdempotentParameterMismatchException"));
  EXPECT_EQ(jobs_->list(scope, {}, {{"team", "energy"}}).items.size(), 1u);
  EXPECT_EQ(jobs_->list(scope, {}, {{"team", "other"}}).items.size(), 0u);

  clock_.advance(1s);
  glue::JobUpdate update;
  update.role = "other-role";
  update.command = glue::JobCommand{};
  update.command->name = "glueetl";
  jobs_->update(scope, "j", update);
  glue::Job after = jobs_->job(scope, "j");
  EXPECT_FALSE(after.default_arguments);  // replaced whole
  EXPECT_EQ(after.role, "other-role");
  EXPECT_EQ(*after.last_modified_on - *after.created_on, 1s);
  EXPECT_THAT(failure([&] { jobs_->update(scope, "none", update); }), testing::StartsWith("EntityNotFoundException"));

  jobs_->remove(scope, "j");
  jobs_->remove(scope, "j");
  EXPECT_FALSE(jobs_->find(scope, "j"));
}

TEST_F(JobsTest, PagesJobsAndRuns) {
  for (auto name : {"a", "b", "c"}) create(name, "");
  auto first = jobs_->list(scope, {{}, 2});
  ASSERT_EQ(first.items.size(), 2u);
  auto rest = jobs_->list(scope, {first.next, 2});
  ASSERT_EQ(rest.items.size(), 1u);
  EXPECT_EQ(rest.items[0].name, "c");
  EXPECT_FALSE(rest.next);
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(start("a"));
    wait_for("a", ids.back());
  }
  auto runs = jobs_->runs(scope, "a", {{}, 2});
  EXPECT_EQ(runs.items[0].id, ids[2]);
  EXPECT_EQ(runs.items[1].id, ids[1]);
  EXPECT_EQ(jobs_->runs(scope, "a", {runs.next, 2}).items[0].id, ids[0]);
  EXPECT_THAT(failure([&] { jobs_->runs(scope, "none", {}); }), testing::StartsWith("EntityNotFoundException"));
}

TEST_F(JobsTest, ForgetsRunsAfterNinetyDays) {
  create("j", "");
  std::string old = start("j");
  wait_for("j", old);
  clock_.advance(24h * 89);
  std::string newer = start("j");
  wait_for("j", newer);
  EXPECT_EQ(jobs_->runs(scope, "j", {}).items.size(), 2u);
  clock_.advance(24h * 2);
  std::string last = start("j");
  wait_for("j", last);
  auto kept = jobs_->runs(scope, "j", {}).items;
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].id, last);
  EXPECT_EQ(kept[1].id, newer);
}

TEST_F(JobsTest, RefusesWhatAwsRefusesAndWhatItDoesNotRun) {
  auto refusal = [&](const std::function<void(glue::CreateJobRequest&)>& spoil) {
    auto r = request("bad", "");
    spoil(r);
    return failure([&] { jobs_->create(scope, r); });
  };
  EXPECT_THAT(refusal([](auto& r) { r.command.name = "gluestreaming"; }), testing::StartsWith("NotImplemented"));
  EXPECT_THAT(refusal([](auto& r) { r.command.name = "glueray"; }), testing::StartsWith("NotImplemented"));
  EXPECT_THAT(refusal([](auto& r) { r.command.name = "other"; }), testing::StartsWith("InvalidInputException"));
  EXPECT_THAT(refusal([](auto& r) {
                r.default_arguments = Texts{{"--job-language", "scala"}};
              }),
              testing::StartsWith("NotImplemented"));
  EXPECT_THAT(refusal([](auto& r) { r.worker_type = "G.1X"; }),
              HasSubstr("Please set both Worker Type and Number of Workers."));
  EXPECT_THAT(refusal([](auto& r) {
                r.worker_type = "G.1X";
                r.number_of_workers = 2;
                r.max_capacity = 2;
              }),
              HasSubstr("Please do not set Max Capacity if using Worker Type and Number of Workers."));
  EXPECT_THAT(refusal([](auto& r) { r.max_capacity = 2.5; }), testing::StartsWith("InvalidInputException"));
  EXPECT_THAT(refusal([](auto& r) {
                r.command.name = "pythonshell";
                r.max_capacity = 2;
              }),
              testing::StartsWith("InvalidInputException"));
  EXPECT_THAT(refusal([](auto& r) { r.timeout = 10'081; }), testing::StartsWith("InvalidInputException"));
  EXPECT_THAT(refusal([](auto& r) { r.max_retries = 11; }), testing::StartsWith("InvalidInputException"));
  EXPECT_EQ(failure([&] { start("none"); }),
            "EntityNotFoundException: Failed to start job run due to missing metadata");
}

TEST_F(JobsTest, AppliesTheRunsOwnSettings) {
  auto r = request("j", "");
  r.worker_type = "G.2X";
  r.number_of_workers = 3;
  r.timeout = 5;
  r.glue_version = "4.0";
  jobs_->create(scope, r);
  glue::JobRun run = jobs_->run(scope, "j", start("j"));
  EXPECT_EQ(run.max_capacity, 6);
  EXPECT_EQ(run.allocated_capacity, 6);
  EXPECT_EQ(run.worker_type, "G.2X");
  EXPECT_EQ(run.timeout, 5);
  EXPECT_EQ(run.glue_version, "4.0");
  wait_for("j", *run.id);
  glue::StartJobRunRequest own;
  own.job_name = "j";
  own.worker_type = "G.1X";
  own.number_of_workers = 2;
  own.timeout = 7;
  run = jobs_->run(scope, "j", jobs_->start_run(scope, own));
  EXPECT_EQ(run.max_capacity, 2);
  EXPECT_EQ(run.timeout, 7);
}

TEST_F(JobsTest, SetsItsPythonUpOnFirstUse) {
  close();
  options_.python.clear();
  std::string tool = folder_ + "/runtime/tools/setup-jobs";
  std::ofstream(tool) << "#!/bin/sh\necho 'no network' >&2\nexit 3\n";
  std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
  open();
  create("j", "print('ran')");
  glue::JobRun r = wait_for("j", start("j"));
  EXPECT_EQ(r.job_run_state, state::failed);
  EXPECT_THAT(*r.error_message, testing::AllOf(HasSubstr("exit code 3"), HasSubstr("no network")));

  std::ofstream(tool) << "#!/bin/sh\nmkdir -p " << folder_ << "/venv/bin; ln -sf /usr/bin/python3 " << folder_
                      << "/venv/bin/python; echo making; echo " << folder_ << "/venv\n";
  r = wait_for("j", start("j"));
  EXPECT_EQ(r.error_message.value_or(""), "");
  EXPECT_THAT(lines("/aws-glue/jobs/output", *r.id), ElementsAre("ran"));
}

TEST_F(JobsTest, DeletesAJobUnderWay) {
  create("j", "import time; time.sleep(60)");
  std::string id = start("j");
  wait_for("j", id, state::running);
  jobs_->remove(scope, "j");
  EXPECT_THAT(failure([&] { jobs_->run(scope, "j", id); }), testing::StartsWith("EntityNotFoundException"));
  for (int i = 0; i < 500 && std::filesystem::exists(options_.work_folder + "/" + id); ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(std::filesystem::exists(options_.work_folder + "/" + id));
}

TEST_F(JobsTest, RunsManyAtOnce) {
  auto r = request("j", "print('x')");
  r.execution_property = glue::ExecutionProperty{25};
  jobs_->create(scope, r);
  std::vector<std::string> ids;
  for (int i = 0; i < 25; ++i) ids.push_back(start("j"));
  for (const std::string& id : ids) EXPECT_EQ(wait_for("j", id).job_run_state, state::succeeded);
}

}  // namespace
}  // namespace tarn::compute
