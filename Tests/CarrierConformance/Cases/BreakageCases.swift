internal import Fabric

/// Far sides that fail, each in its way.
enum BreakageCases {
    static let all = [
        full, readOnly, absent, diesMidway, diesBeforeAnswering, trickles, slow, neverAnswers, answersGarbage,
        answersLate, closesAtOnce, speaksAnother, forgets, miscounts,
    ]

    static let full = ConformanceCase(
        "full", [2], "a far side without room is 'full'; its partial is removed; later it works",
        needs: [.receipts, .breakage(.full)]
    ) { trial in
        try await check(trial, .full) { error in error.kind == .full && error.isRetryable }
    }

    static let readOnly = ConformanceCase(
        "read-only", [2], "a far side that takes nothing has 'refused'; later it works",
        needs: [.receipts, .breakage(.readOnly)]
    ) { trial in
        try await check(trial, .readOnly) { error in error.kind == .refused && error.action != .giveUp }
    }

    static let absent = ConformanceCase(
        "absent", [2], "a far side that is not there is 'unreachable'; later it works",
        needs: [.receipts, .breakage(.absent)]
    ) { trial in
        try await check(trial, .absent) { error in error.kind == .unreachable && error.isRetryable }
    }

    static let diesMidway = ConformanceCase(
        "dies-midway", [2], "a far side that dies midway ends the call; nothing half is published; later it works",
        needs: [.receipts, .breakage(.diesMidway)]
    ) { trial in
        try await check(trial, .diesMidway) { error in
            [.unreachable, .stalled].contains(error.kind) && error.isRetryable
        }
    }

    static let diesBeforeAnswering = ConformanceCase(
        "dies-before-answering", [2, 3], "a far side that dies before it answers has all or nothing; later it has all",
        needs: [.receipts, .breakage(.diesBeforeAnswering)]
    ) { trial in
        try await check(trial, .diesBeforeAnswering, mayHoldAll: true, mayFindOut: true) { error in
            [.unreachable, .stalled].contains(error.kind) && error.isRetryable
        }
    }

    static let trickles = ConformanceCase(
        "trickles", [6], "a far side that takes bytes far too slowly is 'stalled'",
        needs: [.receipts, .breakage(.trickles)]
    ) { trial in
        try await check(trial, .trickles) { error in error.kind == .stalled && error.isRetryable }
    }

    static let neverAnswers = ConformanceCase(
        "never-answers", [3, 6], "a far side that never answers is 'stalled', and the next attempt finds out",
        needs: [.receipts, .breakage(.neverAnswers)]
    ) { trial in
        try await check(trial, .neverAnswers, mayHoldAll: true) { error in
            error.kind == .stalled && error.isRetryable
        }
    }

    static let answersGarbage = ConformanceCase(
        "answers-garbage", [2, 9], "a far side that answers nonsense is an error; later it works",
        needs: [.receipts, .breakage(.answersGarbage)]
    ) { trial in
        try await check(trial, .answersGarbage, mayHoldAll: true) { error in
            [.corrupted, .unreachable, .refused].contains(error.kind)
        }
    }

    static let closesAtOnce = ConformanceCase(
        "closes-at-once", [2, 6], "a far side that closes at once is 'unreachable' at once; later it works",
        needs: [.receipts, .breakage(.closesAtOnce)]
    ) { trial in
        try await check(trial, .closesAtOnce) { error in error.kind == .unreachable && error.isRetryable }
    }

    static let speaksAnother = ConformanceCase(
        "speaks-another-protocol", [2, 9], "a far side that speaks another protocol is an error; later it works",
        needs: [.receipts, .breakage(.speaksAnother)]
    ) { trial in
        try await check(trial, .speaksAnother) { error in
            [.corrupted, .unreachable, .misconfigured].contains(error.kind) && error.action != .giveUp
        }
    }

    static let forgets = ConformanceCase(
        "forgets", [1, 2], "a far side that says yes and keeps nothing gives no receipt; later it works",
        needs: [.receipts, .breakage(.forgets)]
    ) { trial in
        try await check(trial, .forgets) { error in error.kind == .corrupted && error.isRetryable }
    }

    static let miscounts = ConformanceCase(
        "miscounts", [1, 2], "a far side that has another number of bytes gives no receipt; later it works",
        needs: [.receipts, .breakage(.miscounts)]
    ) { trial in
        try await check(trial, .miscounts) { error in error.kind == .corrupted && error.isRetryable }
    }

    static let answersLate = ConformanceCase(
        "answers-late", [1, 6], "a far side that answers late, and not too late, gets everything",
        needs: [.receipts, .breakage(.answersLate)]
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        try await farSide.suffer(.answersLate)
        try await trial.deliver(try trial.envelope(100_000), by: carrier, to: farSide)
    }

    static let slow = ConformanceCase(
        "slow", [1, 6], "a far side that is slow, and not too slow, gets everything",
        needs: [.receipts, .breakage(.slow)]
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        try await farSide.suffer(.slow)
        try await trial.deliver(try trial.envelope(2 << 20), by: carrier, to: farSide)
    }

    /// Delivers to a far side that suffers from `breakage`, and again when it does not any more.
    private static func check(
        _ trial: Trial, _ breakage: Breakage, mayHoldAll: Bool = false, mayFindOut: Bool = false,
        _ isRight: (CarrierError) -> Bool
    ) async throws {
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let earlier = try trial.envelope(1000, seed: 7)
        try await trial.deliver(earlier, by: carrier, to: farSide)
        let envelope = try trial.envelope(8_000_000)
        try await farSide.suffer(breakage)
        let reports = Reports()
        switch await carrier.outcome(envelope, along: farSide.route, reporting: reports.sink) {
        case .success:
            // A carrier may ask again within the attempt, and then it has to be right.
            let object = try await farSide.object(named: envelope.name.text)
            trial.expect(mayFindOut && object?.digest == envelope.digest, "it returned a receipt")
            reports.check(size: envelope.size, mustBeWhole: true, in: trial)
        case .failure(let error):
            trial.check(error)
            trial.expect(isRight(error), "it is \(error.kind), \(error.action): \(error)")
            reports.check(size: envelope.size, mustBeWhole: false, in: trial)
        }
        try await farSide.mend()
        let names = Set(try await farSide.publishedNames())
        let expected: Set = [earlier.name.text]
        trial.expect(
            names == expected || (mayHoldAll && names == expected.union([envelope.name.text])),
            "there are \(names.sorted()) where \(expected.sorted()) should be")
        if breakage == .full {
            trial.expect(try await farSide.leftovers().isEmpty, "something unfinished is left")
        }
        try await trial.deliver(envelope, by: carrier, to: farSide)
        trial.expect(
            Set(try await farSide.publishedNames()) == expected.union([envelope.name.text]), "there is not one object")
        let kept = try await farSide.object(named: earlier.name.text)
        trial.expect(kept?.digest == earlier.digest, "what was there before is not there any more")
    }
}
