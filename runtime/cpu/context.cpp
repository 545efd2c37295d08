#include "runtime/cpu/context.h"

#include "runtime/cpu/run.h"
#include "runtime/device.h"

namespace skein::runtime::cpu {

std::span<Worker* const> helpers(skein_context* context) {
  if (context->team) {
    if (context->workers.empty())
      context->team->claim(total_threads() - 1);
    else
      context->team->keep_apart();
    context->workers = context->team->workers();
  }
  return context->workers;
}

void record_error(skein_context* context, std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    return;  // the run has its error already
  } catch (...) {
  }
  if (context->run)
    context->run->fail(std::move(error));
  else if (!context->error)
    context->error = std::move(error);
}

void abandon(skein_context* context) { std::longjmp(context->exit, 1); }

bool hopeless(const skein_context* context) { return context->run && context->run->failed(); }

}  // namespace skein::runtime::cpu
