#include "orchestrate/triggers/chain.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "base/random.hpp"
#include "orchestrate/triggers/graph.hpp"
#include "orchestrate/triggers/trigger_rules.hpp"

namespace tarn::orchestrate {
namespace {

glue::Condition job_in(const std::string& job, const std::string& state) {
  glue::Condition c;
  c.job_name = job;
  c.state = state;
  return c;
}

glue::Condition crawler_in(const std::string& crawler, const std::string& state) {
  glue::Condition c;
  c.crawler_name = crawler;
  c.crawl_state = state;
  return c;
}

glue::Action start_job(const std::string& job) {
  glue::Action a;
  a.job_name = job;
  return a;
}

glue::Trigger trigger(const std::string& name, const std::string& type, std::vector<glue::Action> actions) {
  glue::Trigger t;
  t.name = name;
  t.type = type;
  t.state = type == "ON_DEMAND" ? "CREATED" : "ACTIVATED";
  t.actions = std::move(actions);
  return t;
}

glue::Trigger conditional(const std::string& name, const std::string& logical, std::vector<glue::Condition> conditions,
                          std::vector<glue::Action> actions) {
  glue::Trigger t = trigger(name, "CONDITIONAL", std::move(actions));
  t.predicate.emplace();
  t.predicate->logical = logical;
  t.predicate->conditions = std::move(conditions);
  return t;
}

std::string error_of(glue::Trigger t) {
  try {
    check_trigger(t);
    return "none";
  } catch (const Error& e) {
    return e.code();
  }
}

struct ChainTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("tarn-chain-" + SystemRandom().hex(12));
  ManualClock clock{Time{} + std::chrono::days(20000)};
  Scope me{"000000000000", "us-east-1", "arn:aws:iam::000000000000:root"};
  std::unique_ptr<meta::Metadata> metadata;
  Chain chain;

  ChainTest() {
    std::filesystem::create_directories(folder);
    metadata = meta::open_sqlite(folder / "meta.db", clock, false);
    chain.id = "wr_1";
    chain.run.status = "RUNNING";
  }
  ~ChainTest() override {
    metadata.reset();
    std::filesystem::remove_all(folder);
  }
  template <class F>
  void change(F work) {
    metadata->change("me", [&](meta::Transaction& t) { work(t); });
  }
  void keep(glue::Trigger t) {
    if (!chain.workflow.empty()) t.workflow_name = chain.workflow;
    chain.triggers.push_back(t);
    change([&](meta::Transaction& tx) { tx.put(trigger_kind, trigger_key(me, *t.name), to_value(t)); });
  }
  void begin(const std::string& first) {
    for (const glue::Trigger& t : chain.triggers)
      if (t.name == first)
        change([&](meta::Transaction& tx) {
          fire(tx, me, chain, t);
          put_chain(tx, me, chain, clock.now());
        });
  }
  // As Firings does: each waiting run gets an id and is under way.
  void start_all() {
    change([&](meta::Transaction& t) {
      Chain now = *find_chain(t, me, chain.workflow, chain.id);
      for (ActionRun& run : now.runs) {
        if (run.state != "WAITING") continue;
        run.id = "id-" + run.name;
        run.state = "RUNNING";
        t.put(started_kind, started_key(me, run), Value::map({{"Workflow", now.workflow}, {"Chain", now.id}}));
      }
      t.erase_all(action_kind, {});
      put_chain(t, me, now, clock.now());
    });
  }
  void end(std::string_view type, const std::string& name, const std::string& state) {
    change([&](meta::Transaction& t) { record_end(t, me, type, name, "id-" + name, state, clock.now()); });
  }
  std::size_t to_start() { return metadata->count(action_kind, {}); }
  std::optional<Chain> stored() { return find_chain(*metadata, me, chain.workflow, chain.id); }
};

TEST_F(ChainTest, AllConditionsMustHoldAndFireOnce) {
  glue::Action crawl;
  crawl.crawler_name = "c";
  keep(trigger("start", "ON_DEMAND", {start_job("a"), crawl}));
  keep(conditional("both", "AND", {job_in("a", "SUCCEEDED"), crawler_in("c", "SUCCEEDED")}, {start_job("b")}));
  begin("start");
  EXPECT_EQ(to_start(), 2u);
  start_all();
  end(job_type, "a", "SUCCEEDED");
  EXPECT_EQ(to_start(), 0u);
  end(crawler_type, "c", "SUCCEEDED");
  EXPECT_EQ(to_start(), 1u);
  end(crawler_type, "c", "SUCCEEDED");  // told again
  EXPECT_EQ(to_start(), 1u);
  start_all();
  end(job_type, "b", "SUCCEEDED");
  EXPECT_FALSE(stored()) << "outside of workflows an ended chain is forgotten";
  EXPECT_EQ(metadata->count(active_chain_kind, {}), 0u);
}

TEST_F(ChainTest, AWorkflowTakesTheBranchOfItsFailure) {
  chain.workflow = "w";
  keep(trigger("start", "ON_DEMAND", {start_job("a")}));
  keep(conditional("good", "AND", {job_in("a", "SUCCEEDED")}, {start_job("b")}));
  keep(conditional("bad", "ANY", {job_in("a", "FAILED"), job_in("a", "TIMEOUT")}, {start_job("alarm")}));
  begin("start");
  start_all();
  end(job_type, "a", "FAILED");
  EXPECT_EQ(to_start(), 1u);
  EXPECT_TRUE(stored()->last_run(job_type, "alarm"));
  EXPECT_FALSE(stored()->last_run(job_type, "b"));
  start_all();
  end(job_type, "alarm", "SUCCEEDED");
  EXPECT_EQ(stored()->run.status, "COMPLETED");
  auto counts = statistics_of(me, *stored());
  EXPECT_EQ(counts.total_actions, 3);
  EXPECT_EQ(counts.failed_actions, 1);
  EXPECT_EQ(counts.succeeded_actions, 1);
}

TEST_F(ChainTest, RunsThatNoTriggerStartedFireNothing) {
  keep(conditional("next", "AND", {job_in("a", "SUCCEEDED")}, {start_job("b")}));
  end(job_type, "a", "SUCCEEDED");
  EXPECT_EQ(to_start(), 0u);
}

TEST_F(ChainTest, AGraphHasEachPartOnce) {
  auto graph = graph_of(me, "w",
                        {trigger("start", "ON_DEMAND", {start_job("a")}),
                         conditional("next", "AND", {job_in("a", "SUCCEEDED")}, {start_job("b")})});
  EXPECT_EQ(graph.nodes->size(), 4u);
  EXPECT_EQ(graph.edges->size(), 3u);
  EXPECT_EQ(downstream(graph, {node_id(me, "w", "JOB", "a")}).size(), 3u);
}

TEST(TriggerRules, RefusesWhatAwsRefuses) {
  EXPECT_EQ(error_of(trigger("t", "ON_DEMAND", {start_job("a")})), "none");
  EXPECT_EQ(error_of(trigger("t", "ON_DEMAND", {})), "InvalidInputException");
  EXPECT_EQ(error_of(trigger("t", "ON_DEMAND", {glue::Action{}})), "InvalidInputException");
  EXPECT_EQ(error_of(trigger("t", "SCHEDULED", {start_job("a")})), "InvalidInputException");
  EXPECT_EQ(error_of(trigger("t", "EVENT", {start_job("a")})), "InvalidInputException") << "outside of a workflow";
  glue::Trigger timed = trigger("t", "SCHEDULED", {start_job("a")});
  timed.schedule = "cron(0 0 * * ? *)";
  EXPECT_EQ(error_of(timed), "none");
  timed.schedule = "every day";
  EXPECT_EQ(error_of(timed), "InvalidInputException");
  EXPECT_EQ(error_of(conditional("t", "AND", {}, {start_job("a")})), "InvalidInputException");
  EXPECT_EQ(error_of(conditional("t", "AND", {job_in("a", "RUNNING")}, {start_job("b")})), "InvalidInputException");
  EXPECT_EQ(error_of(conditional("t", "AND", {job_in("a", "FAILED")}, {start_job("a")})), "InvalidInputException");
  EXPECT_EQ(error_of(conditional("t", "AND", {crawler_in("a", "CANCELLED")}, {start_job("a")})), "none");
}

}  // namespace
}  // namespace tarn::orchestrate
