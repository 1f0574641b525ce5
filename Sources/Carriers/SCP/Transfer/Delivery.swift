internal import CSSH2
internal import Fabric

/// One attempt to bring one envelope into one directory at a far side. Blocks.
struct Delivery {
    let envelope: SealedEnvelope
    let source: any EnvelopeSource
    let route: Route
    let connection: SSHConnection
    let directory: any FarDirectory
    /// Held while the staging file may be written to.
    let slot: StagingSlot

    private var staging: String { StagingFile.name(for: envelope, slot: slot.number) }

    /// Below this size nobody asks beforehand whether there is room: a failure costs no more than the question.
    private static let sizeWorthAsking: Int64 = 1 << 20

    /// Delivers, from where an earlier attempt stopped if there was one.
    func run(reporting sink: ProgressSink) throws(SSHFailure) -> DeliveryReceipt {
        let progress = DeliveryProgress(sink, size: envelope.size)
        try SourceReading.check(source, size: envelope.size)
        if let held = try held() {
            try removeLeftover()
            return try finish(held, digest: envelope.digest, wasDuplicate: true, resumedFrom: 0, progress)
        }
        let outgoing = try begin()
        let offset = outgoing.start
        progress.advance(to: offset)
        try cleaningUp { () throws(SSHFailure) in try send(outgoing, progress) }
        let (isThere, digest) = try cleaningUp { () throws(SSHFailure) in try verify(outgoing) }
        guard isThere else { return try finishElsewhere(from: offset, progress) }
        let (name, wasDuplicate) = try publish()
        // Of a duplicate the digest was computed to find out that it is one.
        return try finish(
            name, digest: wasDuplicate ? envelope.digest : digest, wasDuplicate: wasDuplicate, resumedFrom: offset,
            progress)
    }

    /// The number of leading bytes of the envelope that the far side holds under the staging name, and on stable storage.
    func bytesHeld() throws(SSHFailure) -> Int64 {
        guard case .file(let size) = try directory.begun(staging), size > 0, size <= envelope.size,
            let digest = try directory.digest(of: staging, first: size, isWorthReading: true),
            try sourceHasher(first: size).finish() == digest,
            try directory.settle(staging) >= .stored
        else { return 0 }
        return size
    }

    /// Returns when a file could be made in the directory; it is gone again.
    func probe() throws(SSHFailure) {
        let name = StagingFile.fresh()
        let nothing = Outgoing(source, size: 0, from: 0, hasher: DigestHasher())
        do throws(SSHFailure) {
            try directory.write(nothing, to: name) { _ in }
        } catch {
            try checkDirectory(error)
            throw error
        }
        try directory.remove(name)
    }

    /// The name under which the far side has these very bytes already.
    private func held() throws(SSHFailure) -> ArrivalName? {
        for candidate in envelope.name.candidates(for: envelope.digest) {
            let entry = try directory.entry(candidate.text)
            if entry == .nothing { return nil }
            if try isSame(entry, candidate) { return candidate }
        }
        return nil
    }

    private func isSame(_ entry: FarEntry, _ name: ArrivalName) throws(SSHFailure) -> Bool {
        guard entry == .file(size: envelope.size) else { return false }
        return try directory.digest(of: name.text, first: envelope.size, isWorthReading: true) == envelope.digest
    }

    /// Where to go on, and a hasher that has seen what lies before.
    private func resumption() throws(SSHFailure) -> (offset: Int64, hasher: DigestHasher) {
        switch try directory.begun(staging) {
        case .nothing: return (0, DigestHasher())
        case .other:
            throw .explained(
                CarrierError(
                    .conflict, .tryNextRoute,
                    "cannot deliver to '\(route)': something else than a file is where '\(staging)' should be written",
                    remedy: "remove it at the far side"))
        case .file(let size):
            if size > 0, size <= envelope.size,
                let digest = try directory.digest(of: staging, first: size, isWorthReading: true)
            {
                let hasher = try sourceHasher(first: size)
                if hasher.finish() == digest { return (size, hasher) }
            }
            try directory.remove(staging)
            return (0, DigestHasher())
        }
    }

    /// The bytes from where the far side has to go on.
    private func begin() throws(SSHFailure) -> Outgoing {
        let (offset, hasher) = try resumption()
        if offset > 0 {
            let rest = outgoing(from: offset, hasher)
            if try directory.reopen(staging, for: rest) { return rest }
        }
        return outgoing(from: 0, offset > 0 ? DigestHasher() : hasher)
    }

    /// What the far side hashes in the end need not be hashed here on the way, which takes longer than the cipher on
    /// processors without instructions for it.
    private func outgoing(from offset: Int64, _ hasher: DigestHasher) -> Outgoing {
        Outgoing(source, size: envelope.size, from: offset, hasher: directory.computesDigests ? nil : hasher)
    }

    private func sourceHasher(first count: Int64) throws(SSHFailure) -> DigestHasher {
        let connection = connection
        return try SourceReading.hasher(source, first: count, size: envelope.size) { () throws(SSHFailure) in
            try connection.checkCaller()
        }
    }

    private func send(_ outgoing: Outgoing, _ progress: DeliveryProgress) throws(SSHFailure) {
        let missing = envelope.size - outgoing.position
        if missing >= Self.sizeWorthAsking, let room = try directory.room(), room < missing { throw full(room) }
        do throws(SSHFailure) {
            try directory.write(outgoing, to: staging) { progress.advance(to: $0) }
        } catch {
            try checkDirectory(error)
            throw try explained(error, missing: envelope.size - outgoing.position)
        }
    }

    /// Throws what is wrong with the directory itself, when a file could not be opened in it. Servers have different
    /// answers to that.
    private func checkDirectory(_ error: SSHFailure) throws(SSHFailure) {
        guard case .status(_, during: "opening the file") = error, let problem = try directory.problem() else { return }
        let place = (try? SCPAddress(parsing: route.address).directory) ?? route.address
        switch problem {
        case .missing:
            throw .explained(
                CarrierError(
                    .misconfigured, .tryNextRoute, "cannot deliver to '\(route)': there is no directory '\(place)'",
                    remedy:
                        "make it at the far side; it is not made from here, as a missing one is often a disk that is not mounted"
                ))
        case .notADirectory:
            throw .explained(
                CarrierError(
                    .misconfigured, .tryNextRoute, "cannot deliver to '\(route)': '\(place)' is not a directory",
                    remedy: "name a directory"))
        }
    }

    /// A server answers with the same "failure" to a full disk, a quota and a broken disk. The free space tells.
    private func explained(_ error: SSHFailure, missing: Int64) throws(SSHFailure) -> SSHFailure {
        guard case .status(let status, let doing) = error, status == UInt(LIBSSH2_FX_FAILURE), doing == "writing" else {
            return error
        }
        // Some of what is said to be free is needed for the file system's own notes.
        let slack: Int64 = 1 << 20
        guard let room = try directory.room() else { return error }
        if room < missing + slack { return full(room) }
        return .explained(
            CarrierError(
                .full, .retry(after: nil),
                "cannot deliver to '\(route)': the far side stopped writing although its disk has room: a quota, a limit for files, or a broken disk",
                remedy: "check quotas and limits of the user at the far side"))
    }

    private func full(_ room: Int64) -> SSHFailure {
        .explained(
            CarrierError(
                .full, .retry(after: nil),
                "cannot deliver to '\(route)': the far side has room for \(room) bytes, and the envelope needs \(envelope.size)",
                remedy: "free some space at the far side"))
    }

    /// Puts the file on stable storage, and compares size and digest. The digest as the far side computed it, where it
    /// can.
    ///
    /// - Returns: Whether the file is there at all.
    private func verify(_ outgoing: Outgoing) throws(SSHFailure) -> (isThere: Bool, digest: Digest?) {
        let size: Int64
        do throws(SSHFailure) {
            size = try directory.store(staging)
        } catch {
            throw try explained(error, missing: 0)
        }
        guard size >= 0 else { return (false, nil) }
        guard size == envelope.size else { throw damaged("has \(size) bytes where \(envelope.size) were sent") }
        // What was hashed on the way and differs may have been read too early; the file itself decides.
        if try directory.digestOfWritten() == envelope.digest { return (true, envelope.digest) }
        // What was written to an earlier beginning is read back where the server may have emptied it meanwhile.
        let isWorthReading = outgoing.start > 0 && !directory.keepsFiles
        let digest = try directory.digest(of: staging, first: size, isWorthReading: isWorthReading)
        if digest == envelope.digest { return (true, digest) }
        let sent: Digest
        if let hashed = outgoing.digest { sent = hashed } else { sent = try sourceHasher(first: size).finish() }
        guard sent == envelope.digest else {
            throw SourceReading.wrongDigest(expected: envelope.digest, found: sent)
        }
        if let digest { throw damaged("has a file that hashes to \(digest.hex)") }
        return (true, nil)
    }

    /// The file that was being written has gone. That is well if these bytes have got their name meanwhile: what a killed
    /// sender had asked for is still done after its end.
    private func finishElsewhere(
        from offset: Int64, _ progress: DeliveryProgress
    ) throws(SSHFailure) -> DeliveryReceipt {
        guard let held = try held() else { throw damaged("lost the file that was being written") }
        return try finish(held, digest: envelope.digest, wasDuplicate: true, resumedFrom: offset, progress)
    }

    private func damaged(_ what: String) -> SSHFailure {
        .explained(
            CarrierError(
                .corrupted, .retry(after: nil), "cannot deliver to '\(route)': the far side \(what)",
                remedy: "check the disk at the far side"))
    }

    private func publish() throws(SSHFailure) -> (name: ArrivalName, wasDuplicate: Bool) {
        for candidate in envelope.name.candidates(for: envelope.digest) {
            if try directory.publish(staging, as: candidate.text) { return (candidate, false) }
            if try isSame(try directory.entry(candidate.text), candidate) {
                try directory.remove(staging)
                return (candidate, true)
            }
        }
        try directory.remove(staging)
        throw .explained(
            CarrierError(
                .conflict, .giveUp, "every name made from '\(envelope.name)' is taken by other objects at '\(route)'",
                remedy: "send it under another name"))
    }

    private func finish(
        _ name: ArrivalName, digest: Digest?, wasDuplicate: Bool, resumedFrom: Int64, _ progress: DeliveryProgress
    ) throws(SSHFailure) -> DeliveryReceipt {
        let settled = try directory.settle(name.text)
        // Of a duplicate too: the attempt that brought it may have died just before this.
        try directory.announce(name.text)
        let strength = try readBack(name, settled)
        progress.finish()
        return DeliveryReceipt(
            strength: strength, route: route, storedName: name.text, farDigest: digest, wasDuplicate: wasDuplicate,
            resumedFrom: resumedFrom)
    }

    /// What the receipt can say after everything was closed: the far side has to show the whole file under its name.
    ///
    /// A file that is not shown may have been taken by a consumer already. Whether the bytes were kept until then is known
    /// only of some servers; of the others the receipt says `accepted`.
    private func readBack(_ name: ArrivalName, _ settled: ReceiptStrength) throws(SSHFailure) -> ReceiptStrength {
        let entry: FarEntry
        do throws(SSHFailure) {
            entry = try directory.entry(name.text)
        } catch {
            guard case .status = error else { throw error }
            return .accepted
        }
        guard case .file(let size) = entry else { return directory.keepsFiles ? settled : .accepted }
        guard size == envelope.size else {
            throw damaged("has \(size) bytes of '\(name)' after it was closed, where it had \(envelope.size)")
        }
        if directory.keepsFiles { return settled }
        let digest = try directory.digest(of: name.text, first: size, isWorthReading: false)
        if let digest, digest != envelope.digest {
            throw damaged("has a file '\(name)' that hashes to \(digest.hex) after it was closed")
        }
        return settled
    }

    /// What an earlier attempt of this sender left, whose bytes arrived by another.
    private func removeLeftover() throws(SSHFailure) {
        if case .file = try directory.begun(staging) { try directory.remove(staging) }
    }

    /// Does `body`. When it fails for a reason that will not go away by itself, the partial is of no use, and is removed;
    /// when the connection failed, it is left to go on from.
    private func cleaningUp<Value>(_ body: () throws(SSHFailure) -> Value) throws(SSHFailure) -> Value {
        do throws(SSHFailure) {
            return try body()
        } catch {
            guard case .explained(let reason) = error, [.full, .corrupted, .misconfigured].contains(reason.kind) else {
                throw error
            }
            // Whatever comes of this, the first error is the one to tell.
            try? directory.remove(staging)
            throw error
        }
    }
}
