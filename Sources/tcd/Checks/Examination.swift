/// Tells what was found as it is found, and remembers how it went.
struct Examination {
    private let output: OutputOptions
    private var warnings = 0
    private var failures = 0

    init(output: OutputOptions) { self.output = output }

    mutating func note(_ checks: [Check]) {
        for check in checks {
            if check.state == .warning { warnings += 1 }
            if check.state == .failed { failures += 1 }
            if output.json {
                Terminal.say(
                    JSONLine([
                        ("event", "check"), ("subject", .text(check.subject)), ("state", .text(check.state.rawValue)),
                        ("detail", .text(check.detail)), ("remedy", .init(check.remedy)),
                    ]))
            } else {
                let mark =
                    switch check.state {
                    case .fine: "✓"
                    case .warning: "!"
                    case .failed: "✗"
                    }
                Terminal.say("\(mark) \(check.subject): \(check.detail)" + (check.remedy.map { "; \($0)" } ?? ""))
            }
        }
    }

    /// Says how it went, and ends with 1 where something failed.
    func conclude() throws {
        if output.json {
            Terminal.say(
                JSONLine([
                    ("event", "doctor"), ("ok", .flag(failures == 0)), ("warnings", .number(Int64(warnings))),
                    ("failures", .number(Int64(failures))),
                ]))
        } else {
            Terminal.say("\(Quantity.count(failures, "failure")), \(Quantity.count(warnings, "warning"))")
        }
        if failures > 0 { throw ExitStatus.invalid.code }
    }
}
