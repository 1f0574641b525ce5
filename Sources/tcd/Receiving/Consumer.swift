internal import Fabric
internal import SystemPackage

/// Fetches what waits along a route into an inbox, and deals with it as 'recv' does, until enough has come, time is up,
/// or somebody presses Ctrl-C: what all consumers have in common.
struct Consumer: Sendable {
    private let carrier: any ReceivingCarrier
    private let route: Route
    private let lane: Lane
    private let memory: DayBook
    private let options: ConsumerOptions
    private let output: OutputOptions
    private let takesBacklog: Bool
    private var reception: Reception
    private var troubles = Troubles()

    /// What is done with each envelope once it is in the inbox, before it is told of.
    var afterwards: @Sendable (Publication) async -> Void = { _ in }

    /// For how long an envelope is remembered that was taken out of the inbox since, in days: longer than any hub holds
    /// one that nobody has settled.
    private static let daysKept: Int64 = 31

    /// Opens the inbox; makes it where it is missing.
    ///
    /// - Parameter identity: For whom envelopes have to be.
    init(
        _ carrier: any ReceivingCarrier, along route: Route, _ options: ConsumerOptions, identity: IdentityDirectory,
        output: OutputOptions
    ) throws {
        try options.check()
        let rules = try options.unpacking.rules(identity: identity)
        options.unpacking.announce()
        let place = try InboxPlace(options.inbox, besides: options.unpacking.unpack, isKept: true)
        self.carrier = carrier
        self.route = route
        self.options = options
        self.output = output
        lane = try Lane(directory: place.directory, reserve: options.reserve())
        try lane.removeAbandonedDeposits()
        memory = DayBook(directory: place.directory.appending(".taken"), keeping: Self.daysKept)
        takesBacklog = rules.target != nil
        reception = Reception(
            place, by: rules, ledger: try TransferLedger(directory: place.directory.appending(".received")),
            reserve: try options.reserve(), output: output)
    }

    /// The inbox.
    var inbox: Lane { lane }

    /// Goes on until it is to stop.
    ///
    /// - Throws: The status to exit with where not everything came that was asked for, or why nothing can come at all.
    func run() async throws {
        announce()
        var started = self
        if takesBacklog { try await started.reception.takeBacklog() }
        let work = Task { [started] in
            var consumer = started
            let failure = await consumer.fetch()
            return (consumer.reception.done, failure)
        }
        let ending = Ending(after: options.duration > 0 ? .seconds(options.duration.seconds) : nil) {
            work.cancel()
            _ = await work.value
        }
        let (done, failure) = await work.value
        let wasInterrupted = await ending.wait()
        if let failure { throw failure }
        if options.count > 0, done >= options.count { return }
        if wasInterrupted { throw ExitStatus.interrupted.code }
        guard options.count > 0 else { return }
        Terminal.note("\(done) of \(options.count) came in \(options.duration) seconds")
        throw (done == 0 ? ExitStatus.triage : .partly).code
    }

    /// Fetches until enough has come, or the task is cancelled.
    ///
    /// - Returns: Why nothing can come any more; nil otherwise.
    private mutating func fetch() async -> (any ExplainedError)? {
        while options.count == 0 || reception.done < options.count, !Task.isCancelled {
            let arrival: any Arrival
            do throws(CarrierError) {
                arrival = try await carrier.nextArrival(along: route)
            } catch {
                if error.kind == .cancelled { return nil }
                guard error.isRetryable else { return error }
                await pause(after: error, atLeast: error.pause)
                continue
            }
            do throws(IntakeError) {
                try await take(arrival)
                troubles.end()
            } catch {
                if !Task.isCancelled { await pause(after: error, atLeast: nil) }
            }
        }
        return nil
    }

    private mutating func take(_ arrival: any Arrival) async throws(IntakeError) {
        let (memory, digest) = (memory, arrival.claimedDigest)
        if await BlockingCall.run({ _ in memory.isRemembered(digest.hex) }) {
            // Somebody may have taken it out of the inbox since; it is not put there again.
            output.explain("'\(arrival.requestedName)' came before, and is not taken again")
            try? await arrival.settle(.commit)
            return
        }
        let publication: Publication
        do throws(IntakeError) {
            publication = try await lane.take(arrival)
        } catch {
            // It is in the inbox all the same; when it comes again it is known.
            guard case .settlement(_, let published) = error else { throw error }
            output.explain(error.explanation)
            publication = published
        }
        do throws(SystemFailure) {
            try await BlockingCall.run { _ throws(SystemFailure) in try memory.remember(digest.hex) }
        } catch {
            Terminal.note("what came is in the inbox, but cannot be remembered: \(error)")
        }
        await reception.take(Candidate(publication, from: arrival.sender))
        await afterwards(publication)
    }

    /// Says what is wrong once, and waits: longer each time, up to half a minute.
    private mutating func pause(after error: any ExplainedError, atLeast least: Duration?) async {
        if let line = troubles.note(error.explanation) { Terminal.note(line) }
        let pause = max(troubles.pause, least ?? .zero)
        try? await Task.sleep(for: pause)
    }

    private func announce() {
        guard output.json else {
            return Terminal.note("waiting for envelopes at \(route.address), inbox '\(lane.directory)'")
        }
        Terminal.say(
            JSONLine([
                ("event", "consuming"), ("transport", .text(route.scheme)), ("route", .text(route.address)),
                ("inbox", .text(lane.directory.string)),
            ]))
    }
}

extension CarrierError {
    /// How long the far side wants to be left alone; nil where it did not say.
    fileprivate var pause: Duration? {
        guard case .retry(let pause) = action else { return nil }
        return pause
    }
}
