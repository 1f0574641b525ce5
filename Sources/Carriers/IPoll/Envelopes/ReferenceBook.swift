package import Fabric
internal import FoundationEssentials
package import SystemPackage

/// The envelopes that messages named and did not bring, one small file each, so that it stays known who spoke of what,
/// and whether it has come since by another way. All calls block.
package struct ReferenceBook: Sendable {
    /// Where the records are.
    package let directory: FilePath

    /// For how long a record is kept, in days.
    package static let daysKept: Int64 = 31
    /// The largest record that is read, in bytes.
    private static let largestRecord = 256 << 10

    /// A book in `directory`, which is made when something is written.
    package init(directory: FilePath) { self.directory = directory }

    /// The book of what belongs into the lane in `inbox`.
    package init(ofInbox inbox: FilePath) { self.init(directory: inbox.appending(".references")) }

    /// Writes a reference down. On return that is on stable storage; the same one again changes nothing.
    package func record(_ reference: EnvelopeReference) throws(SystemFailure) {
        let path = path(of: reference)
        if try ReplaceableFile.read(path, atMost: Self.largestRecord) != nil { return }
        try write(reference)
    }

    /// All references, the oldest first. Those that are older than is kept are removed.
    package func references(at moment: Timestamp = .now()) throws(SystemFailure) -> [EnvelopeReference] {
        var references: [EnvelopeReference] = []
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        for name in names where name.hasSuffix(".json") {
            let path = directory.appending(name)
            guard let bytes = try ReplaceableFile.read(path, atMost: Self.largestRecord),
                let record = (try? JSONValue(parsing: bytes))?.object, let reference = EnvelopeReference(record)
            else { continue }
            if reference.date.seconds < moment.seconds - Self.daysKept * 86400 {
                try? FileManager.default.removeItem(atPath: path.string)
            } else {
                references.append(reference)
            }
        }
        return references.sorted { ($0.date.iso8601, $0.messageID) < ($1.date.iso8601, $1.messageID) }
    }

    /// Notes that an envelope of this name and digest is here, by whatever way it came.
    ///
    /// - Returns: The references that mean it and were open until now.
    package func note(
        _ name: ArrivalName, storedAs stored: ArrivalName, digest: Digest
    ) throws(SystemFailure) -> [EnvelopeReference] {
        var found: [EnvelopeReference] = []
        for reference in try references() where reference.found == nil {
            guard let match = reference.match(name: name, digest: digest) else { continue }
            let known = reference.found(as: stored, digest: digest, by: match)
            try write(known)
            found.append(known)
        }
        return found
    }

    /// Looks whether what open references mean is in `lane`.
    ///
    /// - Returns: The references for which it is, and was not known to be.
    package func look(in lane: Lane) throws(LaneError) -> [EnvelopeReference] {
        let open: [EnvelopeReference]
        do throws(SystemFailure) {
            open = try references().filter { $0.found == nil }
        } catch {
            throw .system(error)
        }
        var found: [EnvelopeReference] = []
        for reference in open {
            guard let known = try find(reference, in: lane) else { continue }
            do throws(SystemFailure) {
                try write(known)
            } catch {
                throw .system(error)
            }
            found.append(known)
        }
        return found
    }

    private func find(_ reference: EnvelopeReference, in lane: Lane) throws(LaneError) -> EnvelopeReference? {
        guard let name = ArrivalName(reference.notice.name) else { return nil }
        if let digest = reference.notice.envelopeDigest {
            let stored = try lane.holds(name, digest: digest)
            return stored.map { reference.found(as: $0, digest: digest, by: .digest) }
        }
        let isThere = FileManager.default.fileExists(atPath: lane.directory.appending(name.text).string)
        return isThere ? reference.found(as: name, digest: nil, by: .name) : nil
    }

    private func write(_ reference: EnvelopeReference) throws(SystemFailure) {
        let record = JSONValue.object(reference.record).text(.compact) + "\n"
        try ReplaceableFile.replace(path(of: reference), with: Array(record.utf8))
    }

    /// An id is a text of the server's, so it is never a file name.
    private func path(of reference: EnvelopeReference) -> FilePath {
        directory.appending(Digest(of: Array(reference.messageID.utf8)).hex + ".json")
    }
}
