internal import Fabric

/// Whoever called has lost interest.
enum CancelCases {
    static let all = [beforeCalling, beforeFirstByte, inTheMiddle, beforeTheAnswer]

    static let beforeCalling = ConformanceCase(
        "cancelled-before-calling", [5], "a task that was cancelled delivers nothing", needs: []
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(100_000)
        let task = Task { () -> Result<DeliveryReceipt, CarrierError> in
            while !Task.isCancelled { await Task.yield() }
            return await carrier.outcome(envelope, along: farSide.route)
        }
        task.cancel()
        try await expectCancelled(await task.value, at: farSide, in: trial)
    }

    static let beforeFirstByte = ConformanceCase(
        "cancelled-before-the-first-byte", [2, 5], "cancelling before the first byte ends the call and leaves nothing"
    ) { trial in
        try await cancel(trial, at: 0)
    }

    static let inTheMiddle = ConformanceCase(
        "cancelled-in-the-middle", [2, 5], "cancelling in the middle ends the call and leaves nothing"
    ) { trial in
        try await cancel(trial, at: 3_000_000)
    }

    private static func cancel(_ trial: Trial, at place: Int64) async throws {
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(8_000_000)
        let delivery = StoppedDelivery(envelope, by: carrier, along: farSide.route, stops: [place], in: trial)
        trial.expect(await delivery.turnstile.reached() != nil, "byte \(place) was never read")
        delivery.task.cancel()
        delivery.turnstile.open()
        try await expectCancelled(await delivery.task.value, at: farSide, in: trial)
        // Nothing of it stands in the way of another attempt.
        try await trial.deliver(envelope, by: carrier, to: farSide)
    }

    static let beforeTheAnswer = ConformanceCase(
        "cancelled-before-the-answer", [2, 5], "cancelling after the last byte ends the call, whole or not at all",
        needs: [.receipts, .breakage(.neverAnswers)]
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(2_000_000)
        try await farSide.suffer(.neverAnswers)
        let size = envelope.size
        let delivery = StoppedDelivery(envelope, by: carrier, along: farSide.route, stops: [size - 1], in: trial)
        trial.expect(await delivery.turnstile.reached() != nil, "the last byte was never read")
        delivery.turnstile.open()
        delivery.task.cancel()
        switch await delivery.task.value {
        case .success: break
        case .failure(let error): trial.expect(error.kind == .cancelled, "it is not cancelled but \(error)")
        }
        try await farSide.mend()
        try await trial.deliver(envelope, by: carrier, to: farSide)
        trial.expect(try await farSide.publishedNames() == [envelope.name.text], "there is not one object")
    }

    private static func expectCancelled(
        _ outcome: Result<DeliveryReceipt, CarrierError>, at farSide: any FarSide, in trial: Trial
    ) async throws {
        switch outcome {
        case .success: trial.fail("it returned a receipt")
        case .failure(let error):
            trial.check(error)
            trial.expect(error.kind == .cancelled, "it is not cancelled but \(error)")
            trial.expect(error.isRetryable, "what was cancelled can be tried again")
        }
        try await trial.expectNothingPublished(at: farSide, "after cancelling")
    }
}
