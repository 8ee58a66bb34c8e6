#include "learn/train/fit.hpp"

#include "base/core/cpu.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/train/checkpoint.hpp"
#include "learn/train/history.hpp"
#include "learn/train/loader.hpp"
#include "learn/train/movers.hpp"
#include "learn/train/pace.hpp"
#include "learn/train/rehearsal.hpp"
#include "learn/train/store.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unistd.h>

namespace fovea {
namespace {

// Plans aim a little below the time that they have, and are corrected only beyond it.
constexpr double fit_aim = 0.97;
constexpr double fit_limit = 0.99;

void fit_check(Fit const& o) {
  auto const refuse = [](std::string_view what, double got, std::string_view remedy) {
    throw Error{Fault::usage, text("expected ", what, ", got ", spelled(got)),
                std::string{remedy}};
  };
  auto const count = [](std::int64_t n) { return static_cast<double>(n); };
  if (o.batch_size < 1) refuse("a batch size of 1 or more", count(o.batch_size), "take 32");
  if (o.steps_per_epoch < 1)
    refuse("1 step per epoch or more", count(o.steps_per_epoch),
           "check that there is training data");
  if (o.steps < 0)
    refuse("0 steps (as many as fit) or more", count(o.steps), "give epochs or a time");
  if (o.validate_every < 0)
    refuse("0 or more steps between validations", count(o.validate_every), "take 0");
  if (o.loader_threads < 0) refuse("0 or more loader threads", o.loader_threads, "take 1");
  if (o.patience < 0) refuse("a patience of 0 or more", count(o.patience), "take 0 for none");
  if (!(o.checkpoint_seconds >= 0))
    refuse("0 or more seconds", o.checkpoint_seconds, "take 45");
  if (!(o.seconds >= 0) || !(o.reserve >= 0))
    refuse("a time of 0 or more", o.seconds, "give a time such as 10m");
  if (o.steps == 0 && o.seconds <= 0)
    throw Error{Fault::usage, "neither a number of steps nor a time was given",
                "give epochs or a time"};
}

Json fit_names(std::vector<Weight> const& weights) {
  auto all = Json::array();
  for (auto const& [name, value, decays] : weights)
    all.push_back({{"name", name},
                   {"size", value.sizes().vec()},
                   {"type", std::string{value.dtype().name()}},
                   {"decays", decays}});
  return all;
}

// What must be the same so that going on makes sense.
Json fit_identity(std::vector<Group> const& groups, Fit const& o) {
  auto all = Json::array();
  for (auto const& [name, weights, buffers, how] : groups)
    all.push_back({{"name", name},
                   {"optimiser", how.kind},
                   {"learning_rate", how.learning_rate},
                   {"weight_decay", how.weight_decay},
                   {"momentum", how.momentum},
                   {"betas", {how.beta1, how.beta2}},
                   {"epsilon", how.epsilon},
                   {"l1", how.l1},
                   {"clip", how.clip},
                   {"schedule", how.schedule},
                   {"warm_up", how.warm_up},
                   {"plateau", {how.plateau_after, how.plateau_factor}},
                   {"weights", fit_names(weights)},
                   {"buffers", fit_names(buffers)}});
  return {{"seed", o.seed},
          {"batch_size", o.batch_size},
          {"steps_per_epoch", o.steps_per_epoch},
          {"average", o.average},
          {"patience", o.patience},
          {"keep_best", o.keep_best},
          {"groups", all}};
}

void fit_check_identity(Json const& stored, Json const& now, fs::path const& file) {
  auto const differences = Json::diff(stored, now);
  if (differences.empty()) return;
  auto const path = differences[0].at("path").get<std::string>();
  Json::json_pointer const where{path};
  auto const shown = [&](Json const& from) {
    return from.contains(where) ? from.at(where).dump().substr(0, 80) : std::string{"nothing"};
  };
  throw Error{Fault::input,
              text("the checkpoint ", file, " belongs to another run: at '", path, "' it has ",
                   shown(stored), ", this run ", shown(now)),
              "resume with the plan it was made with, or start anew in another folder"};
}

Json fit_scores(Scores const& scores) {
  auto all = Json::array();
  for (auto const& score : scores)
    all.push_back({score.name, score.value, score.higher_is_better});
  return all;
}

Scores fit_scores_from(Json const& json) {
  Scores scores;
  for (auto const& one : json)
    scores.push_back({one.at(0).get<std::string>(),
                      one.at(1).is_null() ? std::nan("") : one.at(1).get<double>(),
                      one.at(2).get<bool>()});
  return scores;
}

bool fit_is_better(Score const& now, Score const& best) {
  if (std::isnan(now.value)) return false;
  if (std::isnan(best.value)) return true;
  return now.higher_is_better ? now.value > best.value : now.value < best.value;
}

/// One call of fit.
class FitRun {
 public:
  FitRun(Learner& learner, Fit const& options)
      : learner_(learner),
        options_(options),
        clock_(options.clock ? options.clock : [wall = Clock{}] { return wall.seconds(); }),
        begin_(clock_()),
        run_as_(options.run_as),
        steps_(options.steps),
        budgeted_(options.steps == 0),
        validate_every_(options.validate_every),
        shortenings_(options.shortenings),
        terminal_(::isatty(STDERR_FILENO) == 1) {}

  Fitted operator()() {
    auto const found = open_folder();
    if (found) read_choices(*found);
    choose_way(found.has_value());
    movers_ = std::make_unique<Movers>(learner_.groups(), options_.average);
    if (found)
      read_state(*found);
    else
      choose_steps();
    if (found) report_choices();
    train();
    return finish();
  }

 private:
  // --- time -------------------------------------------------------------------------------
  double elapsed() const { return seconds_before_ + clock_() - begin_; }
  double allowed() const {
    return options_.seconds - options_.reserve -
           options_.reserve_validations * pace_.validation;
  }
  bool budgeted() const { return budgeted_; }
  bool stopped() const { return options_.stop != nullptr && options_.stop->asked(); }

  void chose(std::string_view key, std::string const& value, std::string const& reason) const {
    if (options_.chose) options_.chose(key, value, reason);
  }

  // --- what is decided at the start ---------------------------------------------------------
  std::optional<Checkpoint> open_folder() {
    if (options_.folder.empty()) return std::nullopt;
    auto const folder = options_.folder / "checkpoints";
    make_folder(folder);
    lock_ = std::make_unique<FileLock>(folder / "lock");
    // A process that was killed while it wrote leaves its draft; the lock says that it is gone.
    for (auto const& entry : fs::directory_iterator{folder})
      if (entry.path().extension() == ".part") fs::remove(entry.path());
    if (!options_.resume || !fs::exists(checkpoint_file())) return std::nullopt;
    return read_checkpoint(checkpoint_file());
  }

  fs::path checkpoint_file() const {
    return options_.folder / "checkpoints" / "last.fovea-checkpoint";
  }

  void choose_way(bool fixed) {
    auto const ways = learner_.ways_to_run();
    if (run_as_.empty() && !ways.empty() && !fixed) {
      auto const timed = ways.size() == 1
                             ? std::vector<Timed>{{ways[0], 0}}
                             : Rehearsal{learner_, options_, clock_, budget()}.ways(ways);
      run_as_ = fastest(timed).way;
      chose("run_as", run_as_,
            ways.size() == 1             ? "the only way"
            : timed.size() < ways.size() ? text("no time to try all; ", in_words(timed))
                                         : in_words(timed));
    }
    if (!run_as_.empty()) learner_.run_as(run_as_);
  }

  double budget() const { return budgeted() ? std::max(1e-3, allowed()) : 0; }

  void choose_steps() {
    if (!budgeted()) {
      timeline_ = Timeline{steps_, shortenings_};
      if (validate_every_ == 0) {
        auto const epochs =
            std::max<std::int64_t>(1, (steps_ + 100 * options_.steps_per_epoch - 1) /
                                          (100 * options_.steps_per_epoch));
        validate_every_ = epochs * options_.steps_per_epoch;
        chose("validate_every", text(validate_every_), "each epoch, a hundred times at most");
      }
      return;
    }
    pace_ = Rehearsal{learner_, options_, clock_, budget()}.pace();
    movers_ = std::make_unique<Movers>(learner_.groups(), options_.average);
    pace_.step += checkpoint_share();
    auto const left = fit_aim * allowed() - elapsed();
    if (validate_every_ == 0) {
      validate_every_ = steps_between_validations(pace_, left, options_.steps_per_epoch);
      chose("validate_every", text(validate_every_),
            text("a validation takes about ", duration(pace_.validation)));
    }
    auto const fitting = steps_that_fit(pace_, left, validate_every_);
    steps_ = std::max<std::int64_t>(1, fitting);
    chose("steps", text(steps_),
          text("what fits into ", duration(options_.seconds), ": a step takes ",
               fixed(1e3 * pace_.step, 2), " ms, a validation ", duration(pace_.validation)));
    if (fitting < 1)
      warn(text("a time of ", duration(options_.seconds),
                " is too short: one step and one validation are done all the same"));
    timeline_ = Timeline{steps_, shortenings_};
    planned_at_ = elapsed();
    checked_at_ = planned_at_;
  }

  // Per step; a disk takes about 300 MB/s, hashing included.
  double checkpoint_share() const {
    if (options_.folder.empty() || options_.checkpoint_seconds <= 0) return 0;
    double bytes = 0;
    for (auto const& kept : weights_of(learner_.groups()))
      bytes += 2 * static_cast<double>(kept.value.nbytes());
    for (auto const& kept : movers_->state()) bytes += static_cast<double>(kept.value.nbytes());
    return pace_.step * bytes / 300e6 / options_.checkpoint_seconds;
  }

  void report_choices() const {
    constexpr auto reason = "as in the checkpoint";
    if (!run_as_.empty()) chose("run_as", run_as_, reason);
    if (budgeted()) chose("steps", text(steps_), reason);
    chose("validate_every", text(validate_every_), reason);
    if (budgeted() && !shortenings_.empty())
      chose("shortenings", spelled(shortenings_), reason);
  }

  // --- the loop -----------------------------------------------------------------------------
  std::int64_t total() const { return timeline_.total(step_); }
  bool done() const { return stopped_early_ || step_ >= total(); }
  bool validation_due() const {
    return step_ > 0 && validated_ < step_ &&
           (step_ % validate_every_ == 0 || step_ >= total());
  }

  void train() {
    if (!options_.quiet) progress_ = std::make_unique<Progress>("train", 1e9);
    first_step_ = step_;
    saved_at_ = elapsed();
    if (step_ == 0)
      save();  // a folder that cannot be written is known before the work, not after
    Loader loader{learner_, options_.seed, options_.batch_size, step_, options_.loader_threads};
    while (true) {
      if (validation_due() && !validate()) break;
      if (done()) break;
      if (stopped()) {
        interrupted_ = true;
        break;
      }
      step(loader);
      if (budgeted()) keep_in_time();
      save_if_due(validation_due() ? pace_.validation : 0);
    }
    if (progress_) progress_->clear();
    save();
  }

  void step(Loader& loader) {
    loader.end_at(total());  // a shortening may have moved it, either way
    at::manual_seed(mixed({options_.seed, static_cast<std::uint64_t>(step_)}));
    auto const from = clock_();
    auto const batch = loader.next();
    auto const ready = clock_();
    movers_->progress(timeline_.progress(step_));
    last_rate_ = movers_->rate();
    auto const losses = learner_.step(batch, *movers_);
    movers_->average_buffers();
    ++step_;
    history_.lost(losses);
    waiting_seconds_ += ready - from;
    training_seconds_ += clock_() - from;
    show(losses);
  }

  void show(Losses const& losses) {
    if (!progress_ || !terminal_) return;
    auto words = text("step ", step_, " of ", total());
    if (auto const loss = losses.find("loss"); loss != losses.end())
      words += text("  loss ", fixed(loss->second, 4));
    if (!last_scores_.empty())
      words += text("  ", last_scores_[0].name, " ", fixed(last_scores_[0].value, 4));
    words += text("  ", fixed(pace_in_samples(), 1), "/s");
    progress_->show(static_cast<double>(step_ - first_step_),
                    static_cast<double>(total() - first_step_), words);
  }

  double pace_in_samples() const {
    return training_seconds_ > 0
               ? static_cast<double>(step_ * options_.batch_size) / training_seconds_
               : 0;
  }

  // False if the user stopped it: its scores are then worth nothing, and resuming does it
  // again.
  bool validate() {
    auto const from = clock_();
    at::manual_seed(mixed({options_.seed, static_cast<std::uint64_t>(step_), 1}));
    Stop const never;
    movers_->swap_averages();
    Scores scores;
    try {
      at::NoGradGuard const no_tape;
      scores = learner_.validate(options_.stop != nullptr ? *options_.stop : never);
    } catch (...) {
      movers_->swap_averages();
      throw;
    }
    auto const best = !stopped() && !scores.empty() &&
                      (best_.empty() || fit_is_better(scores.front(), best_.front()));
    if (best) best_weights_ = copies_of(weights_of(learner_.groups()));
    movers_->swap_averages();
    auto const took = clock_() - from;
    pace_.validation = std::max(pace_.validation * 0.7, took);
    validating_ += took;
    validating_lately_ += took;
    if (stopped()) {
      interrupted_ = true;
      return false;
    }
    scored(std::move(scores), best);
    return true;
  }

  void scored(Scores scores, bool best) {
    validated_ = step_;
    if (best) {
      best_ = scores;
      best_step_ = step_;
    }
    if (!scores.empty()) {
      still_ = best ? 0 : still_ + 1;
      movers_->scored(best);
      stopped_early_ = options_.patience > 0 && still_ >= options_.patience;
    }
    auto const loss = history_.mean("loss");
    history_.row(
        {{"step", static_cast<double>(step_)},
         {"epoch", static_cast<double>(step_) / static_cast<double>(options_.steps_per_epoch)},
         {"seconds", std::round(elapsed() * 1000) / 1000},
         {"learning_rate", last_rate_}},
        scores);
    last_scores_ = std::move(scores);
    write_history();
    say_validation(loss);
    save_if_due(0);
  }

  void say_validation(double loss) const {
    if (options_.quiet || terminal_) return;
    auto words = text(
        "step ", step_, " of ", total(), "  epoch ",
        fixed(static_cast<double>(step_) / static_cast<double>(options_.steps_per_epoch), 1));
    if (!std::isnan(loss)) words += text("  loss ", fixed(loss, 4));
    for (auto const& score : last_scores_)
      words += text("  ", score.name, " ", fixed(score.value, 4));
    words += text("  ", fixed(pace_in_samples(), 1), "/s");
    if (step_ < total())
      words += text("  ",
                    duration(elapsed() / static_cast<double>(step_) *
                             static_cast<double>(total() - step_)),
                    " left");
    say(words);
  }

  // --- the time -----------------------------------------------------------------------------
  void keep_in_time() {
    auto const now = elapsed();
    auto const left = fit_limit * allowed() - now;
    auto const window = allowed() / 40;
    auto const near_the_end = left < window + 1.2 * pace_.validation;
    if (now - checked_at_ < window && !near_the_end) return;
    measure_pace(now);
    auto const ahead = seconds_of_steps(pace_, total() - step_, validate_every_);
    if (ahead > left)
      return change_total(steps_that_fit(pace_, 0.98 * left, validate_every_),
                          "it runs slower than planned");
    // The first steps are slower than the rest, and a busy machine may become free again: what
    // that saved is used, as long as there is enough left to learn from it. A few times at
    // most, so that the plan stays readable.
    constexpr int times = 8;
    auto const useful = now > 0.1 * allowed() && now < 0.7 * allowed();
    if (!useful || lengthened_ >= times || ahead > 0.9 * left) return;
    ++lengthened_;
    change_total(steps_that_fit(pace_, fit_aim * left, validate_every_),
                 "it runs faster than planned");
  }

  // Between the mean since the plan was made and what it is lately.
  void measure_pace(double now) {
    auto const lately = step_ - checked_step_;
    if (lately < 1) return;
    auto const mean =
        (now - planned_at_ - validating_) / static_cast<double>(step_ - planned_step_);
    auto const late = (now - checked_at_ - validating_lately_) / static_cast<double>(lately);
    pace_.step = std::max(1e-9, 0.5 * (mean + late));
    checked_at_ = now;
    checked_step_ = step_;
    validating_lately_ = 0;
  }

  void change_total(std::int64_t more, std::string const& reason) {
    auto const changed = step_ + more;
    if (changed == total()) return;
    shortenings_.push_back({step_, changed});
    timeline_ = Timeline{steps_, shortenings_};
    chose("shortenings", spelled(shortenings_), reason);
  }

  // --- the end ------------------------------------------------------------------------------
  Fitted finish() {
    movers_->swap_averages();
    if (options_.keep_best && !best_weights_.empty())
      overwrite(weights_of(learner_.groups()), best_weights_);
    auto const all = elapsed();
    if (budgeted() && !interrupted_ && all > allowed())
      warn(text("training took ", duration(all), ", more than the ",
                duration(std::max(0.0, allowed())), " it had"));
    return {.steps = step_,
            .best_step = best_step_,
            .best = best_,
            .seconds = all,
            .samples_per_second = pace_in_samples(),
            .loader_share = training_seconds_ > 0 ? waiting_seconds_ / training_seconds_ : 0,
            .stopped_early = stopped_early_,
            .interrupted = interrupted_};
  }

  // --- files --------------------------------------------------------------------------------
  void write_history() const {
    if (!options_.folder.empty()) write_file(options_.folder / "history.csv", history_.csv());
  }

  void save_if_due(double about_to_take) {
    if (options_.folder.empty()) return;
    if (elapsed() - saved_at_ + about_to_take >= options_.checkpoint_seconds) save();
  }

  void save() {
    if (options_.folder.empty() || saved_step_ == std::pair{step_, validated_}) return;
    Checkpoint checkpoint;
    checkpoint.head = head();
    auto const add = [&](std::vector<Kept> const& kept, std::string_view prefix) {
      for (auto const& [name, value] : kept)
        checkpoint.tensors.emplace(text(prefix, name), value);
    };
    add(weights_of(learner_.groups()), "");
    add(movers_->state(), "");
    add(best_weights_, "best/");
    Store store{Store::Does::write};
    learner_.state(store);
    for (auto const& [name, value] : store.tensors)
      checkpoint.tensors.emplace(text("learner/", name), value);
    checkpoint.head["learner"] = store.words;
    write_checkpoint(checkpoint_file(), checkpoint);
    saved_at_ = elapsed();
    saved_step_ = {step_, validated_};
  }

  Json head() const {
    auto shortenings = Json::array();
    for (auto const& [at, to] : shortenings_) shortenings.push_back({at, to});
    return {{"identity", fit_identity(learner_.groups(), options_)},
            {"machine", {{"cpu", cpu_brand()}, {"threads", at::get_num_threads()}}},
            {"run_as", run_as_},
            {"steps", steps_},
            {"budgeted", budgeted_},
            {"validate_every", validate_every_},
            {"shortenings", shortenings},
            {"step", step_},
            {"validated", validated_},
            {"seconds", elapsed()},
            {"training_seconds", training_seconds_},
            {"waiting_seconds", waiting_seconds_},
            {"pace", {pace_.step, pace_.validation}},
            {"learning_rate", last_rate_},
            {"movers", movers_->words()},
            {"history", history_.state()},
            {"best", fit_scores(best_)},
            {"best_step", best_step_},
            {"has_best", !best_weights_.empty()},
            {"last_scores", fit_scores(last_scores_)},
            {"still", still_},
            {"stopped_early", stopped_early_},
            {"lengthened", lengthened_}};
  }

  // What must be known before the weights are looked at.
  void read_choices(Checkpoint const& checkpoint) {
    understood([&] {
      auto const& head = checkpoint.head;
      auto const way = head.at("run_as").get<std::string>();
      if (!run_as_.empty() && run_as_ != way)
        throw Error{
            Fault::usage,
            text("the checkpoint was run as '", way, "', now '", run_as_, "' is asked for"),
            "resume without naming it"};
      run_as_ = way;
      auto const steps = head.at("steps").get<std::int64_t>();
      if (options_.steps != 0 && options_.steps != steps)
        throw Error{
            Fault::usage,
            text("the checkpoint was planned for ", steps, " steps, now ", options_.steps,
                 " are asked for"),
            "resume with the same plan; to train longer, start a new run from these weights"};
      steps_ = steps;
      // The plan states by now the steps that the time gave: it is kept all the same.
      budgeted_ = budgeted_ || (options_.seconds > 0 && head.value("budgeted", false));
      validate_every_ =
          std::max<std::int64_t>(1, head.at("validate_every").get<std::int64_t>());
      shortenings_.clear();
      for (auto const& one : head.at("shortenings"))
        shortenings_.push_back({one.at(0).get<std::int64_t>(), one.at(1).get<std::int64_t>()});
      // A plan may know of shortenings that are still to come.
      auto const& planned = options_.shortenings;
      if (planned.size() > shortenings_.size() &&
          std::ranges::equal(shortenings_, std::span{planned}.first(shortenings_.size())) &&
          options_.steps != 0)
        shortenings_ = planned;
      timeline_ = Timeline{steps_, shortenings_};
    });
  }

  template <class Work>
  void understood(Work const& work) const {
    try {
      work();
    } catch (Json::exception const& fault) {
      throw Error{Fault::input,
                  text("the checkpoint ", checkpoint_file(),
                       " does not say what it should: ", fault.what()),
                  "start anew in another folder"};
    }
  }

  void read_state(Checkpoint const& checkpoint) {
    understood([&] {
      auto const& head = checkpoint.head;
      fit_check_identity(head.at("identity"), fit_identity(learner_.groups(), options_),
                         checkpoint_file());
      compare_machine(head.at("machine"));
      read_tensors(checkpoint);
      step_ = head.at("step").get<std::int64_t>();
      validated_ = head.at("validated").get<std::int64_t>();
      seconds_before_ = head.at("seconds").get<double>();
      training_seconds_ = head.at("training_seconds").get<double>();
      waiting_seconds_ = head.at("waiting_seconds").get<double>();
      pace_ = {head.at("pace").at(0).get<double>(), head.at("pace").at(1).get<double>()};
      last_rate_ = head.at("learning_rate").get<double>();
      movers_->restore(head.at("movers"));
      history_.restore(head.at("history"));
      best_ = fit_scores_from(head.at("best"));
      best_step_ = head.at("best_step").get<std::int64_t>();
      last_scores_ = fit_scores_from(head.at("last_scores"));
      still_ = head.at("still").get<std::int64_t>();
      stopped_early_ = head.at("stopped_early").get<bool>();
      lengthened_ = head.at("lengthened").get<int>();
    });
    saved_step_ = {step_, validated_};
    planned_at_ = checked_at_ = elapsed();
    planned_step_ = checked_step_ = step_;
    write_history();  // rows of steps that are now done again are gone
    if (!options_.quiet) say(text("going on from step ", step_, " of ", total()));
  }

  void read_tensors(Checkpoint const& checkpoint) {
    auto const take = [&](std::string const& name) -> at::Tensor const& {
      auto const found = checkpoint.tensors.find(name);
      if (found == checkpoint.tensors.end())
        throw Error{Fault::input,
                    text("the checkpoint ", checkpoint_file(), " lacks '", name, "'"),
                    "start anew in another folder"};
      return found->second;
    };
    auto const fill = [&](Kept const& into, std::string const& name) {
      auto const& from = take(name);
      if (!from.defined() || from.sizes() != into.value.sizes() ||
          from.scalar_type() != into.value.scalar_type())
        throw Error{
            Fault::input,
            text("the checkpoint's '", name, "' has another size or type than the learner's"),
            "resume with the plan it was made with"};
      into.value.copy_(from);
    };
    at::NoGradGuard const no_tape;
    auto const weights = weights_of(learner_.groups());
    if (checkpoint.head.at("has_best").get<bool>()) {
      best_weights_ = copies_of(weights);
      for (auto const& kept : best_weights_) fill(kept, text("best/", kept.name));
    }
    for (auto const& kept : weights) fill(kept, kept.name);
    for (auto const& kept : movers_->state()) fill(kept, kept.name);
    Store store{Store::Does::read};
    for (auto const& [name, value] : checkpoint.tensors)
      if (name.starts_with("learner/")) store.tensors.emplace(name.substr(8), value);
    for (auto const& [name, value] : checkpoint.head.at("learner").items())
      store.words.emplace(name, value);
    learner_.state(store);
  }

  void compare_machine(Json const& then) const {
    auto const cpu = then.at("cpu").get<std::string>();
    auto const threads = then.at("threads").get<int>();
    if (cpu == cpu_brand() && threads == at::get_num_threads()) return;
    warn(text("the run began on ", cpu, " with ", threads, " threads and goes on on ",
              cpu_brand(), " with ", at::get_num_threads(),
              ": the result will be as good, but not the same to the last bit"));
  }

  Learner& learner_;
  Fit const& options_;
  std::function<double()> clock_;
  double begin_;
  std::string run_as_;
  std::int64_t steps_;
  bool budgeted_;  // the steps follow from the time, and are changed where it runs short
  std::int64_t validate_every_;
  std::vector<Shortening> shortenings_;
  bool terminal_;
  Timeline timeline_{1, {}};
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Movers> movers_;
  std::unique_ptr<Progress> progress_;
  History history_;

  std::int64_t step_ = 0;        ///< steps done
  std::int64_t first_step_ = 0;  ///< of this call
  std::int64_t validated_ = 0;   ///< after this step
  double seconds_before_ = 0;    ///< in the calls that this one resumes
  double training_seconds_ = 0, waiting_seconds_ = 0;
  double last_rate_ = 0;
  double saved_at_ = 0;
  std::pair<std::int64_t, std::int64_t> saved_step_{-1, -1};
  Scores best_, last_scores_;
  std::int64_t best_step_ = 0;
  std::vector<Kept> best_weights_;
  std::int64_t still_ = 0;  ///< validations since the best
  bool stopped_early_ = false, interrupted_ = false;

  Pace pace_;
  double planned_at_ = 0, checked_at_ = 0;
  std::int64_t planned_step_ = 0, checked_step_ = 0;
  double validating_ = 0, validating_lately_ = 0;  ///< since then
  int lengthened_ = 0;                             // so often the total grew
};

}  // namespace

Fitted fit(Learner& learner, Fit const& options) {
  fit_check(options);
  return FitRun{learner, options}();
}

std::string spelled(std::vector<Shortening> const& shortenings) {
  std::vector<std::string> parts;
  for (auto const& [at, steps] : shortenings) parts.push_back(text(at, ":", steps));
  return joined(parts, ", ");
}

std::vector<Shortening> shortenings_of(std::string_view words) {
  std::vector<Shortening> all;
  if (trimmed(words).empty()) return all;
  for (auto const& part : split(words, ',')) {
    auto const sides = split(trimmed(part), ':');
    auto const at = sides.size() == 2 ? whole(sides[0]) : std::nullopt;
    auto const steps = sides.size() == 2 ? whole(sides[1]) : std::nullopt;
    if (!at || !steps || *at < 0 || *steps < 1)
      throw Error{Fault::usage,
                  text("expected shortenings as 'step:steps, …', got '", words, "'"),
                  "copy the line from the plan that a run wrote"};
    all.push_back({*at, *steps});
  }
  return all;
}

}  // namespace fovea
