internal import Fabric

/// Every case, and how to run them.
///
/// ```swift
/// for await result in ConformanceSuite().run(over: MySubject()) { … }
/// ```
public struct ConformanceSuite: Sendable {
    /// All cases, in the order in which they are run.
    public static let cases: [ConformanceCase] =
        SizeCases.all + SourceCases.all + NameCases.all + TwiceCases.all + CancelCases.all + BreakageCases.all
        + KeyCases.all + CrowdCases.all + PowerCases.all + ReceivingCases.all + SettlementCases.all

    /// The names of the excuses that belong to no case.
    public static func strayExcuses(of subject: any ConformanceSubject) -> [String] {
        let names = Set(cases.map(\.name))
        return subject.excuses.keys.filter { !names.contains($0) }.sorted()
    }

    /// Whether cases that move more than 4 GiB are run.
    public var includesLarge: Bool
    /// For how long one case may go on before it is taken to hang.
    public var patience: Duration

    /// A suite with its options.
    public init(includesLarge: Bool = false, patience: Duration = .seconds(120)) {
        self.includesLarge = includesLarge
        self.patience = patience
    }

    /// The cases that are run with these options.
    public var cases: [ConformanceCase] { Self.cases.filter { includesLarge || !$0.isLarge } }

    /// Runs every case over `subject`, one after the other, and gives each result as soon as it is there.
    public func run(over subject: any ConformanceSubject) -> AsyncStream<ConformanceResult> {
        AsyncStream { continuation in
            let task = Task {
                for one in cases where !Task.isCancelled {
                    continuation.yield(await run(one, over: subject))
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// Runs one case over `subject`.
    public func run(_ one: ConformanceCase, over subject: any ConformanceSubject) async -> ConformanceResult {
        ConformanceResult(conformanceCase: one, outcome: await outcome(of: one, over: subject))
    }

    private func outcome(
        of one: ConformanceCase, over subject: any ConformanceSubject
    ) async -> ConformanceResult.Outcome {
        let missing = one.needs.subtracting(subject.powers).map(\.description).sorted()
        switch (missing.isEmpty, subject.excuses[one.name]) {
        case (true, let reason?):
            return .failed(["it is excused ('\(reason)'), and nothing that it needs is missing"])
        case (false, nil):
            return .failed(["it needs \(missing.joined(separator: " and ")), and nobody says why that is missing"])
        case (false, let reason?):
            return reason.contains(" ") ? .excused(reason) : .failed(["'\(reason)' is no reason"])
        case (true, nil):
            let trial = Trial(subject: subject)
            await attempt(one, in: trial)
            await trial.close()
            let failures = trial.failures
            return failures.isEmpty ? .passed : .failed(failures)
        }
    }

    /// Runs the case, and gives up on one that hangs: what it started may go on, and nobody waits for it.
    private func attempt(_ one: ConformanceCase, in trial: Trial) async {
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)
        let work = Task {
            do {
                try await one.body(trial)
            } catch {
                trial.fail("it threw: \(error)")
            }
            end.yield(true)
        }
        let watch = Task {
            try await Task.sleep(for: patience)
            end.yield(false)
        }
        for await isOver in ends {
            if !isOver { trial.fail("it had not ended after \(patience)") }
            break
        }
        watch.cancel()
        work.cancel()
    }
}
