#include "learn/train/fit.hpp"

#include "base/core/cpu.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/train/checkpoint.hpp"
#include "learn/train/history.hpp"
#include "learn/train/identity.hpp"
#include "learn/train/loader.hpp"
#include "learn/train/movers.hpp"
#include "learn/train/rehearsal.hpp"
#include "learn/train/run_state.hpp"
#include "learn/train/run_tensors.hpp"
#include "learn/train/time_keeper.hpp"

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
        state_{.run_as = options.run_as,
               .steps = options.steps,
               .budgeted = options.steps == 0 || options.shorten,
               .validate_every = options.validate_every,
               .shortenings = options.shortenings},
        terminal_(::isatty(STDERR_FILENO) == 1) {}

  Fitted operator()() {
    auto const found = open_folder();
    if (found) take_up(*found);
    choose_way(found.has_value());
    movers_ = std::make_unique<Movers>(learner_.groups(), options_.average);
    if (found)
      go_on_with(*found);
    else
      choose_steps();
    if (found) report_choices();
    train();
    return finish();
  }

 private:
  // --- time -------------------------------------------------------------------------------
  double elapsed() const { return state_.seconds + clock_() - begin_; }
  double allowed() const {
    return options_.seconds - options_.reserve -
           options_.reserve_validations * state_.pace.validation;
  }
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
    if (!state_.run_as.empty() && !ways.empty() && std::ranges::count(ways, state_.run_as) == 0)
      throw Error{Fault::usage,
                  text("run_as is '", state_.run_as, "', and the plan's other keys allow ",
                       joined(ways, ", ")),
                  "leave run_as empty, and it is chosen anew"};
    if (state_.run_as.empty() && !ways.empty() && !fixed) {
      auto const timed = ways.size() == 1
                             ? std::vector<Timed>{{ways[0], 0}}
                             : Rehearsal{learner_, options_, clock_, budget()}.ways(ways);
      state_.run_as = fastest(timed).way;
      chose("run_as", state_.run_as,
            ways.size() == 1             ? "the only way"
            : timed.size() < ways.size() ? text("no time to try all; ", in_words(timed))
                                         : in_words(timed));
    }
    if (!state_.run_as.empty()) learner_.run_as(state_.run_as);
  }

  double budget() const { return state_.budgeted ? std::max(1e-3, allowed()) : 0; }

  void choose_steps() {
    if (options_.steps > 0) {
      timeline_ = Timeline{state_.steps, state_.shortenings};
      keeper_.begin(elapsed(), 0);
      if (state_.validate_every == 0) {
        auto const epochs =
            std::max<std::int64_t>(1, (state_.steps + 100 * options_.steps_per_epoch - 1) /
                                          (100 * options_.steps_per_epoch));
        state_.validate_every = epochs * options_.steps_per_epoch;
        chose("validate_every", text(state_.validate_every),
              "each epoch, a hundred times at most");
      }
      return;
    }
    state_.pace = Rehearsal{learner_, options_, clock_, budget()}.pace();
    movers_ = std::make_unique<Movers>(learner_.groups(), options_.average);
    state_.pace.step += checkpoint_share();
    auto const left = TimeKeeper::aim * allowed() - elapsed();
    if (state_.validate_every == 0) {
      state_.validate_every =
          steps_between_validations(state_.pace, left, options_.steps_per_epoch);
      chose("validate_every", text(state_.validate_every),
            text("a validation takes about ", duration(state_.pace.validation)));
    }
    auto const fitting = steps_that_fit(state_.pace, left, state_.validate_every);
    state_.steps = std::max<std::int64_t>(1, fitting);
    chose("steps", text(state_.steps),
          text("what fits into ", duration(options_.seconds), ": a step takes ",
               fixed(1e3 * state_.pace.step, 2), " ms, a validation ",
               duration(state_.pace.validation)));
    if (fitting < 1)
      warn(text("a time of ", duration(options_.seconds),
                " is too short: one step and one validation are done all the same"));
    timeline_ = Timeline{state_.steps, state_.shortenings};
    keeper_.begin(elapsed(), 0);
  }

  // Per step; a disk takes about 300 MB/s, hashing included.
  double checkpoint_share() const {
    if (options_.folder.empty() || options_.checkpoint_seconds <= 0) return 0;
    double bytes = 0;
    for (auto const& kept : weights_of(learner_.groups()))
      bytes += 2 * static_cast<double>(kept.value.nbytes());
    for (auto const& kept : movers_->state()) bytes += static_cast<double>(kept.value.nbytes());
    return state_.pace.step * bytes / 300e6 / options_.checkpoint_seconds;
  }

  void report_choices() const {
    constexpr auto reason = "as in the checkpoint";
    if (!state_.run_as.empty()) chose("run_as", state_.run_as, reason);
    if (state_.budgeted && !options_.shorten) chose("steps", text(state_.steps), reason);
    chose("validate_every", text(state_.validate_every), reason);
    if (state_.budgeted && !state_.shortenings.empty())
      chose("shortenings", spelled(state_.shortenings), reason);
  }

  // --- the loop -----------------------------------------------------------------------------
  std::int64_t total() const { return timeline_.total(state_.step); }
  bool done() const { return state_.stopped_early || state_.step >= total(); }
  bool validation_due() const {
    return state_.step > 0 && state_.validated < state_.step &&
           (state_.step % state_.validate_every == 0 || state_.step >= total());
  }

  void train() {
    if (!options_.quiet) progress_ = std::make_unique<Progress>("train", 1e9);
    first_step_ = state_.step;
    saved_at_ = elapsed();
    if (state_.step == 0)
      save();  // a folder that cannot be written is known before the work, not after
    Loader loader{learner_, options_.seed, options_.batch_size, state_.step,
                  options_.loader_threads};
    while (true) {
      if (validation_due() && !validate()) break;
      if (done()) break;
      if (stopped()) {
        interrupted_ = true;
        break;
      }
      step(loader);
      if (state_.budgeted) keep_in_time();
      save_if_due(validation_due() ? state_.pace.validation : 0);
    }
    if (progress_) progress_->clear();
    save();
  }

  void step(Loader& loader) {
    loader.end_at(total());  // a shortening may have moved it, either way
    at::manual_seed(mixed({options_.seed, static_cast<std::uint64_t>(state_.step)}));
    auto const from = clock_();
    auto const batch = loader.next();
    auto const ready = clock_();
    movers_->progress(timeline_.progress(state_.step));
    state_.last_rate = movers_->rate();
    auto const losses = learner_.step(batch, *movers_);
    movers_->average_buffers();
    ++state_.step;
    history_.lost(losses);
    state_.waiting_seconds += ready - from;
    state_.training_seconds += clock_() - from;
    show(losses);
  }

  void show(Losses const& losses) {
    if (!progress_ || !terminal_) return;
    auto words = text("step ", state_.step, " of ", total());
    if (auto const loss = losses.find("loss"); loss != losses.end())
      words += text("  loss ", fixed(loss->second, 4));
    if (!state_.last_scores.empty())
      words +=
          text("  ", state_.last_scores[0].name, " ", fixed(state_.last_scores[0].value, 4));
    words += text("  ", fixed(pace_in_samples(), 1), "/s");
    progress_->show(static_cast<double>(state_.step - first_step_),
                    static_cast<double>(total() - first_step_), words);
  }

  double pace_in_samples() const {
    return state_.training_seconds > 0
               ? static_cast<double>(state_.step * options_.batch_size) /
                     state_.training_seconds
               : 0;
  }

  // False if the user stopped it: its scores are then worth nothing, and resuming does it
  // again.
  bool validate() {
    auto const from = clock_();
    at::manual_seed(mixed({options_.seed, static_cast<std::uint64_t>(state_.step), 1}));
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
    auto const best =
        !stopped() && !scores.empty() &&
        (state_.best.empty() || fit_is_better(scores.front(), state_.best.front()));
    if (best) best_weights_ = copies_of(weights_of(learner_.groups()));
    movers_->swap_averages();
    auto const took = clock_() - from;
    state_.pace.validation = std::max(state_.pace.validation * 0.7, took);
    keeper_.validated(took);
    if (stopped()) {
      interrupted_ = true;
      return false;
    }
    scored(std::move(scores), best);
    return true;
  }

  void scored(Scores scores, bool best) {
    state_.validated = state_.step;
    if (best) {
      state_.best = scores;
      state_.best_step = state_.step;
    }
    if (!scores.empty()) {
      state_.still = best ? 0 : state_.still + 1;
      movers_->scored(best);
      state_.stopped_early = options_.patience > 0 && state_.still >= options_.patience;
    }
    auto const loss = history_.mean("loss");
    history_.row({{"step", static_cast<double>(state_.step)},
                  {"epoch", static_cast<double>(state_.step) /
                                static_cast<double>(options_.steps_per_epoch)},
                  {"seconds", std::round(elapsed() * 1000) / 1000},
                  {"learning_rate", state_.last_rate}},
                 scores);
    state_.last_scores = std::move(scores);
    write_history();
    say_validation(loss);
    save_if_due(0);
  }

  void say_validation(double loss) const {
    if (options_.quiet || terminal_) return;
    auto words = text(
        "step ", state_.step, " of ", total(), "  epoch ",
        fixed(static_cast<double>(state_.step) / static_cast<double>(options_.steps_per_epoch),
              1));
    if (!std::isnan(loss)) words += text("  loss ", fixed(loss, 4));
    for (auto const& score : state_.last_scores)
      words += text("  ", score.name, " ", fixed(score.value, 4));
    words += text("  ", fixed(pace_in_samples(), 1), "/s");
    if (state_.step < total())
      words += text("  ",
                    duration(elapsed() / static_cast<double>(state_.step) *
                             static_cast<double>(total() - state_.step)),
                    " left");
    say(words);
  }

  void keep_in_time() {
    auto const correction =
        keeper_.correct(elapsed(), allowed(), state_.step, total(), state_.validate_every,
                        state_.pace, state_.lengthened);
    if (!correction) return;
    auto const steps = state_.step + correction->more;
    if (steps == total() || (options_.shorten && steps > total())) return;
    state_.shortenings.push_back({state_.step, steps});
    timeline_ = Timeline{state_.steps, state_.shortenings};
    chose("shortenings", spelled(state_.shortenings), std::string{correction->reason});
  }

  // --- the end ------------------------------------------------------------------------------
  Fitted finish() {
    movers_->swap_averages();
    if (options_.keep_best && !best_weights_.empty())
      overwrite(weights_of(learner_.groups()), best_weights_);
    auto const all = elapsed();
    if (state_.budgeted && !interrupted_ && all > allowed())
      warn(text("training took ", duration(all), ", more than the ",
                duration(std::max(0.0, allowed())), " it had"));
    return {.steps = state_.step,
            .best_step = state_.best_step,
            .best = state_.best,
            .last = state_.last_scores,
            .seconds = all,
            .samples_per_second = pace_in_samples(),
            .loader_share = state_.training_seconds > 0
                                ? state_.waiting_seconds / state_.training_seconds
                                : 0,
            .stopped_early = state_.stopped_early,
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
    if (options_.folder.empty() || saved_step_ == std::pair{state_.step, state_.validated})
      return;
    Checkpoint checkpoint{.head = head(), .tensors = {}};
    put_tensors(checkpoint, learner_, *movers_, best_weights_);
    write_checkpoint(checkpoint_file(), checkpoint);
    saved_at_ = elapsed();
    saved_step_ = {state_.step, state_.validated};
  }

  Json head() const {
    auto now = state_;
    now.seconds = elapsed();
    auto head = to_json(now);
    head["identity"] = identity_of(learner_.groups(), options_);
    head["machine"] = {{"cpu", cpu_brand()}, {"threads", at::get_num_threads()}};
    head["movers"] = movers_->words();
    head["history"] = history_.state();
    return head;
  }

  // What must be known before the weights are looked at.
  void take_up(Checkpoint const& checkpoint) {
    RunState stored;
    understood([&] { stored = run_state_from(checkpoint.head); });
    if (!options_.run_as.empty() && options_.run_as != stored.run_as)
      throw Error{Fault::usage,
                  text("the checkpoint was run as '", stored.run_as, "', now '",
                       options_.run_as, "' is asked for"),
                  "resume without naming it"};
    if (options_.steps != 0 && options_.steps != stored.steps)
      throw Error{
          Fault::usage,
          text("the checkpoint was planned for ", stored.steps, " steps, now ", options_.steps,
               " are asked for"),
          "resume with the same plan; to train longer, start a new run from these weights"};
    // The plan states by now the steps that the time gave: the time is kept all the same.
    stored.budgeted = state_.budgeted || (options_.seconds > 0 && stored.budgeted);
    // A plan may know of shortenings that are still to come.
    auto const& planned = options_.shortenings;
    if (options_.steps != 0 && planned.size() > stored.shortenings.size() &&
        std::ranges::equal(stored.shortenings,
                           std::span{planned}.first(stored.shortenings.size())))
      stored.shortenings = planned;
    state_ = std::move(stored);
    timeline_ = Timeline{state_.steps, state_.shortenings};
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

  void go_on_with(Checkpoint const& checkpoint) {
    understood([&] {
      auto const& head = checkpoint.head;
      expect_identity(head.at("identity"), identity_of(learner_.groups(), options_),
                      checkpoint_file());
      compare_machine(head.at("machine"));
      best_weights_ = take_tensors(checkpoint, learner_, *movers_, checkpoint_file());
      movers_->restore(head.at("movers"));
      history_.restore(head.at("history"));
    });
    saved_step_ = {state_.step, state_.validated};
    keeper_.begin(elapsed(), state_.step);
    write_history();  // rows of steps that are now done again are gone
    if (!options_.quiet) say(text("going on from step ", state_.step, " of ", total()));
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
  RunState state_;  ///< its seconds are those of the calls that this one resumes
  bool terminal_;
  Timeline timeline_{1, {}};
  TimeKeeper keeper_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Movers> movers_;
  std::unique_ptr<Progress> progress_;
  History history_;
  std::vector<Kept> best_weights_;

  std::int64_t first_step_ = 0;  ///< of this call
  double saved_at_ = 0;
  std::pair<std::int64_t, std::int64_t> saved_step_{-1, -1};  ///< and after which validation
  bool interrupted_ = false;
};

}  // namespace

Fitted fit(Learner& learner, Fit const& options) {
  expect_sense(options);
  return FitRun{learner, options}();
}

}  // namespace fovea
