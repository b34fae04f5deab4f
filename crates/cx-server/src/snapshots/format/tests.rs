use super::*;

fn label(partition: u32) -> Label {
    Label {
        topic: "cx.interactions".to_owned(),
        partition,
        partitions: 24,
        next_offset: 1_234,
        fold_version: 1,
        set_number: 1,
        set_hash: "b41c".to_owned(),
        hash_key: 5,
        cut_at: 1_790_000_000_500,
        last: Some(Last {
            offset: 1_233,
            timestamp: 1_790_000_000_000,
            hash: 7,
        }),
    }
}

fn written(label: &Label, blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), label).expect("memory");
    blocks.iter().for_each(|b| writer.push(b).expect("memory"));
    writer.finish().expect("memory")
}

fn read(bytes: &[u8]) -> Result<(Label, Vec<Vec<u8>>), Fault> {
    let mut reader = Reader::new(bytes)?;
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block()? {
        blocks.push(block);
    }
    let label = reader.label().clone();
    assert_eq!(reader.finish()?, bytes.len() as u64);
    Ok((label, blocks))
}

fn why(bytes: &[u8]) -> String {
    read(bytes)
        .err()
        .map_or_else(String::new, |f| f.to_string())
}

#[test]
fn what_was_written_is_read_again_over_many_frames() {
    let noise = |i: usize| {
        (0..i * 9_973 % 400_000)
            .map(|b| (b * i).to_le_bytes()[0])
            .collect()
    };
    let mut blocks: Vec<Vec<u8>> = (0..60).map(noise).collect();
    blocks.push(vec![7; 3 << 20]);
    blocks.push(Vec::new());
    let file = written(&label(3), &blocks);
    assert_eq!(read(&file).expect("whole"), (label(3), blocks));
    assert_eq!(read(&written(&label(3), &[])).expect("empty").1.len(), 0);
}

#[test]
fn no_flipped_byte_and_no_truncation_is_believed() {
    let blocks = vec![b"customers".to_vec(), vec![0; 50], b"the end".to_vec()];
    let file = written(&label(3), &blocks);
    for at in 0..file.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = file.clone();
            bytes[at] ^= flip;
            assert!(read(&bytes).is_err(), "byte {at} xor {flip:#x}");
        }
        assert!(read(&file[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_fault_says_where_and_what() {
    let file = written(&label(3), &[b"one".to_vec()]);
    let mut longer = file.clone();
    longer.push(0);
    assert_eq!(
        why(&longer),
        format!("byte {}: bytes follow the end", file.len())
    );
    assert_eq!(why(&file[..4]), "byte 0: it ends too early");
    assert_eq!(
        why(b"{\"no\": \"snapshot\"}"),
        "byte 8: this is no snapshot"
    );
    for version in [MAGIC[7] - 1, MAGIC[7] + 1] {
        let mut other = file.clone();
        other[7] = version;
        assert_eq!(
            why(&other),
            "byte 8: a format that this release does not know"
        );
    }
    let mut long = file;
    long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        why(&long),
        "byte 12: a length that nothing written here has"
    );
}

#[test]
fn frames_of_another_label_or_in_another_order_are_not_believed() {
    let (ones, twos) = (vec![vec![1; FULL]], vec![vec![2; FULL]]);
    let (a, b) = (written(&label(3), &ones), written(&label(4), &twos));
    let head = MAGIC.len() + 4 + postcard::to_stdvec(&label(3)).expect("plain").len() + 4;
    assert!(read(&[&a[..head], &b[head..]].concat()).is_err());
    let two = written(&label(3), &[ones.concat(), twos.concat()]);
    let frame = (two.len() - head - 28) / 2;
    let mut swapped = two.clone();
    swapped[head..head + frame].copy_from_slice(&two[head + frame..head + 2 * frame]);
    swapped[head + frame..head + 2 * frame].copy_from_slice(&two[head..head + frame]);
    assert_ne!(swapped, two);
    assert!(read(&swapped).is_err());
}
