internal import Fabric

/// Far sides that are not who they were.
enum KeyCases {
    static let all = [changed, unknown, otherType, toldApart]

    private static let keys: [Breakage] = [.changedKey, .unknownKey, .otherKeyType]

    static let changed = ConformanceCase(
        "key-changed", [2], "a key that changed is 'host key changed', is not tried again, and gets nothing",
        needs: [.breakage(.changedKey)]
    ) { trial in
        let error = try await meet(.changedKey, in: trial)
        trial.expect(error?.kind == .hostKeyChanged, "it is \(String(describing: error))")
        trial.expect(error?.isRetryable == false, "it is to be tried again")
    }

    static let unknown = ConformanceCase(
        "key-unknown", [2], "a key that is not on record is 'refused', waits for a person, and gets nothing",
        needs: [.breakage(.unknownKey)]
    ) { trial in
        let error = try await meet(.unknownKey, in: trial)
        trial.expect(error?.kind == .refused, "it is \(String(describing: error))")
        trial.expect(error?.action == .waitForPerson, "its action is \(String(describing: error?.action))")
    }

    static let otherType = ConformanceCase(
        "key-of-another-type", [2], "a key of another type than the one on record gets nothing",
        needs: [.breakage(.otherKeyType)]
    ) { trial in
        let error = try await meet(.otherKeyType, in: trial)
        trial.expect(error?.isRetryable == false, "it is to be tried again")
    }

    static let toldApart = ConformanceCase(
        "keys-told-apart", [2], "changed, unknown and of another type are three different answers",
        needs: Set(keys.map { .breakage($0) })
    ) { trial in
        var answers: Set<String> = []
        for key in keys {
            guard let error = try await meet(key, in: trial) else { continue }
            answers.insert(error.remedy ?? "")
        }
        trial.expect(answers.count == 3, "there are \(answers.count) different remedies")
    }

    private static func meet(_ breakage: Breakage, in trial: Trial) async throws -> CarrierError? {
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        try await farSide.suffer(breakage)
        let error = await trial.failure(
            breakage.rawValue, try trial.envelope(1000), by: carrier, along: farSide.route)
        try await farSide.mend()
        try await trial.expectNothingPublished(at: farSide, breakage.rawValue)
        return error
    }
}
