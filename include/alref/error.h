// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace alref {

/// What went wrong, in the few kinds that a caller can act on. The program maps each to an exit
/// status, a server to an HTTP status; all else is in Error::what().
enum class ErrorKind {
  kInvalidArgument,  ///< the call or command line is wrong (exit status 2)
  kInput,            ///< an image, video, sound or data file cannot be read (3)
  kModel,            ///< a model file is damaged or is not what was expected (4)
  kReasoner,         ///< the reasoner gave no usable answer (5)
  kOutput,           ///< a result cannot be written (6)
  kUnavailable,      ///< this build or machine lacks what was asked for (7)
  kInterrupted,      ///< stopped by the user; what was done so far is kept (130)
};

/// The one exception of this library. what() is a single line: where, what, expected and got.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace alref
