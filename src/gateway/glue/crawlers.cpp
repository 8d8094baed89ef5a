#include "catalog/crawl/crawlers.hpp"

#include "gateway/glue/glue.hpp"
#include "gateway/glue/request.hpp"

namespace tarn::gateway::glue {
namespace {

model::BatchGetCrawlersResponse batch_get(const catalog::Crawlers& crawlers, const catalog::Scope& scope,
                                          const std::vector<std::string>& names) {
  model::BatchGetCrawlersResponse out;
  out.crawlers.emplace();
  out.crawlers_not_found.emplace();
  for (const std::string& name : names) {
    if (auto found = crawlers.find(scope, name))
      out.crawlers->push_back(*std::move(found));
    else
      out.crawlers_not_found->push_back(name);
  }
  return out;
}

void register_reads(api::Operations& operations, catalog::Crawlers& crawlers) {
  namespace op = model::op;
  operations.on<op::GetCrawler>([&](api::Context& c, const model::GetCrawlerRequest& in) {
    return model::GetCrawlerResponse{crawlers.get(catalog::scope_of(c), in.name)};
  });
  operations.on<op::GetCrawlers>([&](api::Context& c, const model::GetCrawlersRequest& in) {
    auto page = crawlers.list(catalog::scope_of(c), {}, page_of(in.next_token, in.max_results, 100));
    return model::GetCrawlersResponse{std::move(page.items), page.next};
  });
  operations.on<op::BatchGetCrawlers>([&](api::Context& c, const model::BatchGetCrawlersRequest& in) {
    return batch_get(crawlers, catalog::scope_of(c), in.crawler_names);
  });
  operations.on<op::ListCrawlers>([&](api::Context& c, const model::ListCrawlersRequest& in) {
    auto page = crawlers.list(catalog::scope_of(c), in.tags.value_or(catalog::TagMap{}),
                              page_of(in.next_token, in.max_results, 100));
    model::ListCrawlersResponse out;
    out.crawler_names.emplace();
    for (const auto& crawler : page.items) out.crawler_names->push_back(*crawler.name);
    out.next_token = page.next;
    return out;
  });
  operations.on<op::GetCrawlerMetrics>([&](api::Context& c, const model::GetCrawlerMetricsRequest& in) {
    auto page = crawlers.metrics(catalog::scope_of(c), in.crawler_name_list.value_or(std::vector<std::string>{}),
                                 page_of(in.next_token, in.max_results, 100));
    return model::GetCrawlerMetricsResponse{std::move(page.items), page.next};
  });
  operations.on<op::ListCrawls>([&](api::Context& c, const model::ListCrawlsRequest& in) {
    auto page =
        crawlers.crawls(catalog::scope_of(c), in.crawler_name, in.filters.value_or(std::vector<model::CrawlsFilter>{}),
                        page_of(in.next_token, in.max_results, 20));
    return model::ListCrawlsResponse{std::move(page.items), page.next};
  });
}

void register_schedules(api::Operations& operations, catalog::Crawlers& crawlers) {
  namespace op = model::op;
  operations.on<op::UpdateCrawlerSchedule>([&](api::Context& c, const model::UpdateCrawlerScheduleRequest& in) {
    crawlers.update_schedule(catalog::scope_of(c), in.crawler_name, in.schedule);
    return model::UpdateCrawlerScheduleResponse{};
  });
  operations.on<op::StartCrawlerSchedule>([&](api::Context& c, const model::StartCrawlerScheduleRequest& in) {
    crawlers.start_schedule(catalog::scope_of(c), in.crawler_name);
    return model::StartCrawlerScheduleResponse{};
  });
  operations.on<op::StopCrawlerSchedule>([&](api::Context& c, const model::StopCrawlerScheduleRequest& in) {
    crawlers.stop_schedule(catalog::scope_of(c), in.crawler_name);
    return model::StopCrawlerScheduleResponse{};
  });
}

}  // namespace

void register_crawlers(api::Operations& operations, catalog::Crawlers& crawlers) {
  namespace op = model::op;
  operations.on<op::CreateCrawler>([&](api::Context& c, const model::CreateCrawlerRequest& in) {
    crawlers.create(scope_of(c, in.catalog_id), in);
    return model::CreateCrawlerResponse{};
  });
  operations.on<op::UpdateCrawler>([&](api::Context& c, const model::UpdateCrawlerRequest& in) {
    crawlers.update(scope_of(c, in.catalog_id), in);
    return model::UpdateCrawlerResponse{};
  });
  operations.on<op::DeleteCrawler>([&](api::Context& c, const model::DeleteCrawlerRequest& in) {
    crawlers.erase(catalog::scope_of(c), in.name);
    return model::DeleteCrawlerResponse{};
  });
  operations.on<op::StartCrawler>([&](api::Context& c, const model::StartCrawlerRequest& in) {
    crawlers.start(catalog::scope_of(c), in.name);
    return model::StartCrawlerResponse{};
  });
  operations.on<op::StopCrawler>([&](api::Context& c, const model::StopCrawlerRequest& in) {
    crawlers.stop(catalog::scope_of(c), in.name);
    return model::StopCrawlerResponse{};
  });
  register_reads(operations, crawlers);
  register_schedules(operations, crawlers);
}

}  // namespace tarn::gateway::glue
